using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Reputation;

/// <summary>What another author's experience says of outcomes that this peer had itself.</summary>
/// <param name="PeerId">The author.</param>
/// <param name="Agreed">Outcomes that it would have foretold.</param>
/// <param name="Disagreed">Outcomes that it would have foretold wrongly.</param>
public sealed record Replay(string PeerId, double Agreed, double Disagreed);

/// <summary>Where replays come from.</summary>
public static class ReplaySources
{
    /// <summary>Each author's experience, compared with that of all others: counts while this peer has few outcomes of its own.</summary>
    public const string Consensus = "consensus";

    /// <summary>What each author added lately, replayed on own outcomes; only lowers weights, so that a sleeper is found soon.</summary>
    public const string Recent = "recent";

    /// <summary>The matrix: authors' sums as they are now, on the latest own outcomes. Who copied these agrees with them, too.</summary>
    public const string Matrix = "matrix";

    private const string TaskTypePrefix = "task:";
    private const string ForetoldPrefix = "foretold:";

    /// <summary>Runs of a task type, on own outcomes. They are those that the matrix is replayed on, so both do not add up.</summary>
    public static string TaskType(string taskType) => TaskTypePrefix + taskType;

    /// <summary>True of what <see cref="TaskType"/> gives.</summary>
    public static bool IsTaskType(string source) => source.StartsWith(TaskTypePrefix, StringComparison.Ordinal);

    /// <summary>What authors had told when own outcomes came, in sums (<see cref="Matrix"/>) or runs (<see cref="TaskType"/>): it grows with each outcome.</summary>
    public static string Foretold(string source) => ForetoldPrefix + source;

    /// <summary>True of what <see cref="Foretold"/> gives.</summary>
    public static bool IsForetold(string source) => source.StartsWith(ForetoldPrefix, StringComparison.Ordinal);
}

/// <summary>Messages about how peers stand with this one.</summary>
public static class ReputationCommands
{
    /// <summary>What a primitive found when it replayed the others' experience on this peer's own outcomes; replaces what it found before. No answer.</summary>
    /// <param name="Source">One of <see cref="ReplaySources"/>.</param>
    /// <param name="Replays">Absolute values, an entry per author.</param>
    public sealed record Replayed(string Source, IReadOnlyList<Replay> Replays);

    /// <summary>Own outcomes came, and so it shows what authors who had told of the like had foretold. No answer.</summary>
    /// <param name="Source"><see cref="ReplaySources.Matrix"/> or a <see cref="ReplaySources.TaskType"/>.</param>
    /// <param name="News">What comes on top of earlier outcomes, an entry per author.</param>
    public sealed record Foretold(string Source, IReadOnlyList<Replay> News);

    /// <summary>A call of this peer to a provider ended. No answer. A paid one with a receipt is rated, seldom, on the mesh.</summary>
    /// <param name="PeerId">The provider.</param>
    /// <param name="Ok">Whether it gave a result.</param>
    /// <param name="Paid">How it was paid; null: it was not.</param>
    /// <param name="SessionId">The session of the call; null: none.</param>
    public sealed record Called(string PeerId, bool Ok, PaidCall? Paid = null, string? SessionId = null);

    /// <summary>
    /// The agent's own word on a peer, or on whoever it paid in a session or for a request. Exactly one of the three is given.
    /// It counts here in full; with a receipt it is gossiped, too. Answered with <see cref="PeersRated"/> or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="PeerId">The peer.</param>
    /// <param name="SessionId">A session in which peers were paid.</param>
    /// <param name="RequestId">A call that was paid for.</param>
    /// <param name="Value">−1 (bad) to 1 (good).</param>
    public sealed record Rate(string? PeerId, string? SessionId, string? RequestId, double Value);

    /// <summary>Answered with <see cref="ReputationView"/>.</summary>
    public sealed record Get(string PeerId);
}

/// <summary>What this peer knows of a payment of its own, so that the payee can't make it look smaller or older.</summary>
/// <param name="Cost">What was paid.</param>
/// <param name="Since">When the call began.</param>
/// <param name="Receipt">The provider's envelope of a <c>ServiceReceipt</c>; null: none.</param>
/// <param name="InParts">True of a stream: receipts come as it is paid, and the last one that came may be over less than was paid in the end.</param>
public sealed record PaidCall(Amount Cost, DateTimeOffset Since, byte[]? Receipt = null, bool InParts = false);

/// <summary>The rating is journalled.</summary>
/// <param name="Peers">Whom it is about.</param>
/// <param name="Gossiped">How many of them it was gossiped about: those that there is a receipt of.</param>
public sealed record PeersRated(IReadOnlyList<string> Peers, int Gossiped);

/// <summary>Why a peer stands as it does: one reason, with its counts.</summary>
/// <param name="Kind">"replay", "consensus", "calls", "ratings", "caught" or "quarantine".</param>
/// <param name="For">Evidence for the peer, after caps and decay.</param>
/// <param name="Against">Evidence against it.</param>
/// <param name="Text">A sentence.</param>
public sealed record ReputationReason(string Kind, double For, double Against, string Text);

/// <summary>How a peer stands.</summary>
/// <param name="PeerId">The peer.</param>
/// <param name="Reputation">0 to 1; 0.5 while nothing is known.</param>
/// <param name="Weight">0 to 1: what its experience weighs here.</param>
/// <param name="Quarantined">True while its experience is kept and not counted.</param>
/// <param name="Reasons">Why.</param>
public sealed record ReputationView(string PeerId, double Reputation, double Weight, bool Quarantined, IReadOnlyList<ReputationReason> Reasons);
