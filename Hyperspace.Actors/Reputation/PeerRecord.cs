using System.Collections.Immutable;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>Everything that is known about one other peer; immutable.</summary>
internal sealed record PeerRecord
{
    /// <summary>Of a peer that nothing is known about.</summary>
    public static PeerRecord Empty { get; } = new();

    /// <summary>By source: what was last reported, or has come together.</summary>
    public ImmutableSortedDictionary<string, Tally> Replays { get; init; } = ImmutableSortedDictionary.Create<string, Tally>(StringComparer.Ordinal);

    /// <summary>What it foretold lately; at most <see cref="TrustRules.RecentWindow"/> outcomes.</summary>
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

    /// <summary>How its sums, as they are now, agree with this peer's latest outcomes. Who copies what this peer told agrees, too.</summary>
    public Tally Sums => Replays.GetValueOrDefault(ReplaySources.Matrix);

    /// <summary>The same of its runs, over all task types.</summary>
    public Tally Runs => Replays.Where(r => ReplaySources.IsTaskType(r.Key)).Aggregate(default(Tally), (sum, r) => sum + r.Value);

    /// <summary>Both of these, which are about the same outcomes: of what speaks for the peer, and of what speaks against it, the larger.</summary>
    public Tally Afterwards => new(Math.Max(Sums.For, Runs.For), Math.Max(Sums.Against, Runs.Against));

    /// <summary>
    /// What it foretold: what it had told when this peer's own outcomes came, before anybody could know them. Sums and runs are about the
    /// same outcomes, so these are counted once: of what speaks for the peer, and of what speaks against it, the larger of both.
    /// </summary>
    public Tally Own
    {
        get
        {
            var (sums, runs) = (Replays.GetValueOrDefault(ReplaySources.Foretold(ReplaySources.Matrix)), default(Tally));
            foreach (var (source, tally) in Replays)
            {
                runs += ReplaySources.IsForetold(source) && source != ReplaySources.Foretold(ReplaySources.Matrix) ? tally : default;
            }

            return new Tally(Math.Max(sums.For, runs.For), Math.Max(sums.Against, runs.Against));
        }
    }

    /// <summary>How its experience agrees with that of the others.</summary>
    public Tally Consensus => Replays.GetValueOrDefault(ReplaySources.Consensus);

    /// <summary>The record after a source looked again; pure.</summary>
    public PeerRecord Replayed(string source, Tally now, DateTimeOffset at)
    {
        var before = Own;
        var next = this with { Replays = Replays.SetItem(source, now) };
        var news = new Tally(Math.Max(0, next.Own.For - before.For), Math.Max(0, next.Own.Against - before.Against));
        next = next with { Recent = Recent.AtMost(Math.Max(0, TrustRules.RecentWindow - news.Count)) + news.AtMost(TrustRules.RecentWindow) };
        if (CaughtAt is not null)
        {
            next = next with { SinceCaught = SinceCaught + news };
        }

        return TrustRules.Lies(next) ? next with { CaughtAt = at, SinceCaught = default } : next;
    }
}
