using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>What the journal of reputation holds.</summary>
internal interface IReputationEvent
{
    /// <summary>When it happened here.</summary>
    DateTimeOffset At { get; }
}

/// <summary>A source looked again; only authors whose counts have changed.</summary>
internal sealed record ReplaysTaken(string Source, IReadOnlyList<Replay> Replays, DateTimeOffset At) : IReputationEvent;

/// <summary>A call of this peer ended.</summary>
/// <param name="PeerId">The provider.</param>
/// <param name="Ok">Whether it gave a result.</param>
/// <param name="Paid">Whether it was paid.</param>
/// <param name="At">When it ended.</param>
/// <param name="Receipt">Its receipt, verified; null: none.</param>
internal sealed record CallNoted(string PeerId, bool Ok, bool Paid, DateTimeOffset At, HeldReceipt? Receipt) : IReputationEvent;

/// <summary>A rating that verified was taken into the book.</summary>
/// <param name="Ratee">The payee.</param>
/// <param name="Rater">The payer.</param>
/// <param name="Entry">The rating.</param>
/// <param name="At">When it came in.</param>
internal sealed record RatingTaken(string Ratee, string Rater, RatingEntry Entry, DateTimeOffset At) : IReputationEvent;
