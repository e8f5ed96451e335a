using Hyperspace.Contracts;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// Plugin ids of the journals. Money has a journal of its own, whose commits are on disk before anyone is told
/// (SQLite <c>synchronous=FULL</c>); the rest may lose the last moments before a power cut, not before a crash (<c>NORMAL</c>).
/// </summary>
public static class Journals
{
    /// <summary>Journal of everything but money.</summary>
    public const string Default = "akka.persistence.journal.hyperspace";

    /// <summary>Snapshots of everything but money.</summary>
    public const string DefaultSnapshots = "akka.persistence.snapshot-store.hyperspace";

    /// <summary>Journal of channels and ledgers.</summary>
    public const string Payments = "akka.persistence.journal.payments";

    /// <summary>Snapshots of channels and ledgers.</summary>
    public const string PaymentsSnapshots = "akka.persistence.snapshot-store.payments";

    /// <summary>The snapshots of a journal.</summary>
    public static string SnapshotsOf(string journal) => journal == Payments ? PaymentsSnapshots : DefaultSnapshots;
}

/// <summary>Refusals of more than one actor of a journal.</summary>
internal static class JournalRefusals
{
    /// <summary>What was asked is not in the payments journal.</summary>
    public static Refusal Payments { get; } = new(
        ErrorCodes.JournalFailed, "The payments journal could not be written, so nothing was done. Check the disk of the data directory, then try again.");
}

/// <summary>Identifiers of this project's Akka serializers; written into journals, so never reused.</summary>
public static class SerializerIds
{
    /// <summary>Hyperion, cluster-internal messages of known types.</summary>
    public const int Hyperion = 5000;

    /// <summary>Sessions' journal.</summary>
    public const int State = 5001;

    /// <summary>Channels' journal.</summary>
    public const int Micropayments = 5002;

    /// <summary>Tool registry's journal.</summary>
    public const int Tools = 5003;

    /// <summary>Trajectories' and playbooks' journal.</summary>
    public const int Learning = 5004;

    /// <summary>Chain transactions' journal.</summary>
    public const int Chain = 5005;

    /// <summary>HTTP 402 charges' journal.</summary>
    public const int Charge = 5006;

    /// <summary>The ledger's journal.</summary>
    public const int Ledger = 5007;

    /// <summary>Journal of payments that this peer makes over HTTP.</summary>
    public const int Fetch = 5008;

    /// <summary>Journal of channels' transfers to other chains.</summary>
    public const int Bridge = 5009;

    /// <summary>Journal of how peers stand with this one.</summary>
    public const int Reputation = 5010;
}
