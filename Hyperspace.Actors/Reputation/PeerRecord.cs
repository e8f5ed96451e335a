using System.Collections.Immutable;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>Everything that is known about one other peer; immutable.</summary>
internal sealed record PeerRecord
{
    /// <summary>Of a peer that nothing is known about.</summary>
    public static PeerRecord Empty { get; } = new();

    /// <summary>By source: how its whole experience foretells outcomes, as last reported.</summary>
    public ImmutableSortedDictionary<string, Tally> Replays { get; init; } = ImmutableSortedDictionary.Create<string, Tally>(StringComparer.Ordinal);

    /// <summary>How its experience changed lately on this peer's own outcomes; at most <see cref="TrustRules.RecentWindow"/> outcomes.</summary>
    public Tally Recent { get; init; }

    /// <summary>When it was found to lie; null: never.</summary>
    public DateTimeOffset? CaughtAt { get; init; }

    /// <summary>What it foretold since it was found to lie.</summary>
    public Tally SinceCaught { get; init; }

    /// <summary>This peer's own calls of its tools, faded up to <see cref="CallsAt"/>.</summary>
    public Tally Calls { get; init; }

    /// <summary>When <see cref="Calls"/> was last changed.</summary>
    public DateTimeOffset CallsAt { get; init; }

    /// <summary>Calls that were paid for, of all time.</summary>
    public long PaidCalls { get; init; }

    /// <summary>Signed ratings by others.</summary>
    public RatingBook Ratings { get; init; } = RatingBook.Empty;

    /// <summary>What its sums foretold of this peer's own outcomes.</summary>
    public Tally Sums => Replays.GetValueOrDefault(ReplaySources.Matrix);

    /// <summary>What its runs foretold of this peer's own outcomes, over all task types.</summary>
    public Tally Runs => Replays.Where(r => ReplaySources.IsTaskType(r.Key)).Aggregate(default(Tally), (sum, r) => sum + r.Value);

    /// <summary>
    /// What its whole experience foretold of this peer's own outcomes. Sums and runs are replayed on the same outcomes, so these are
    /// counted once: of what speaks for the peer, and of what speaks against it, the larger of both.
    /// </summary>
    public Tally Own => new(Math.Max(Sums.For, Runs.For), Math.Max(Sums.Against, Runs.Against));

    /// <summary>How its experience agrees with that of the others.</summary>
    public Tally Consensus => Replays.GetValueOrDefault(ReplaySources.Consensus);

    /// <summary>The record after a source looked again; pure.</summary>
    public PeerRecord Replayed(string source, Tally now, DateTimeOffset at)
    {
        var before = Own;
        var next = this with { Replays = Replays.SetItem(source, now) };
        if (!TrustRules.IsOwn(source))
        {
            return next;
        }

        // A flipped opinion moves outcomes from one side to the other; only what grew is news.
        var news = new Tally(Math.Max(0, next.Own.For - before.For), Math.Max(0, next.Own.Against - before.Against));
        next = next with { Recent = Recent.AtMost(Math.Max(0, TrustRules.RecentWindow - news.Count)) + news.AtMost(TrustRules.RecentWindow) };
        if (CaughtAt is not null)
        {
            next = next with { SinceCaught = SinceCaught + news };
        }

        return TrustRules.Lies(next) ? next with { CaughtAt = at, SinceCaught = default } : next;
    }
}
