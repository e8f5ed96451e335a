using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>The steps of charges at which a test lets the seller's process die; each is hit by one.</summary>
internal static class ChargeFaults
{
    /// <summary>An authorization counts, and nothing was run for it.</summary>
    public const string Accepted = "charge.accepted";

    /// <summary>The tool has run, which is not journalled, and nobody was told.</summary>
    public const string Ran = "charge.ran";

    /// <summary>It is journalled that the tool has run.</summary>
    public const string Served = "charge.served";

    /// <summary>It is journalled that the chain has moved the tokens.</summary>
    public const string Settled = "charge.settled";

    /// <summary>It is journalled that the chain refuses to move them.</summary>
    public const string Failed = "charge.failed";

    /// <summary>It is journalled that the chain is to be asked again, and it was not.</summary>
    public const string Retried = "charge.retried";

    // Right after an event is on disk, before anyone is told of it.
    private static readonly Dictionary<Type, string> After = new()
    {
        [typeof(ChargeEvents.Accepted)] = Accepted,
        [typeof(ChargeEvents.Served)] = Served,
        [typeof(ChargeEvents.Settled)] = Settled,
        [typeof(ChargeEvents.Failed)] = Failed,
        [typeof(ChargeEvents.Retried)] = Retried,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Ran, .. After.Values];

    /// <summary>Dies here if the process was told to.</summary>
    public static void Hit(string point) => FaultPoints.Hit(point);

    /// <summary>As above, after the event is on disk.</summary>
    public static void HitAfter(object happened)
    {
        if (FaultPoints.IsArmed && After.TryGetValue(happened.GetType(), out var point))
        {
            FaultPoints.Hit(point);
        }
    }
}
