using System.Collections.Immutable;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Matrix;

/// <summary>An outcome that this peer had itself.</summary>
/// <param name="Capability">What was used.</param>
/// <param name="Terms">Of the query.</param>
/// <param name="Good">How it went.</param>
internal sealed record OwnOutcome(string Capability, ImmutableArray<uint> Terms, bool Good);

/// <summary>
/// This peer's latest outcomes, by which others are judged: would what an author tells have foretold what came out here?
/// Immutable and pure.
/// </summary>
internal sealed record OwnOutcomes
{
    /// <summary>So many are kept.</summary>
    public const int Capacity = 512;

    // One tool that fails again and again says little about those who found that it works.
    private const int MostOfACapability = 8;
    private const int Lately = 64;

    /// <summary>The outcomes, oldest first.</summary>
    public ImmutableQueue<OwnOutcome> All { get; private init; } = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private init; }

    /// <summary>With one more; the oldest goes when there are too many.</summary>
    public OwnOutcomes With(OwnOutcome outcome) => Count < Capacity
        ? new OwnOutcomes { All = All.Enqueue(outcome), Count = Count + 1 }
        : new OwnOutcomes { All = All.Dequeue().Enqueue(outcome), Count = Count };

    /// <summary>
    /// True when others are judged by an outcome that comes on top: not when the same is known of the same query already, nor when the
    /// capability is what many of the latest were about.
    /// </summary>
    public bool IsTelling(OwnOutcome outcome)
    {
        var same = All.Select((o, i) => (Outcome: o, IsLate: i >= Count - Lately)).Where(o => o.Outcome.Capability == outcome.Capability).ToList();
        return same.Count(o => o.IsLate) < MostOfACapability && !same.Exists(o => o.Outcome.Good == outcome.Good && o.Outcome.Terms.AsSpan().SequenceEqual(outcome.Terms.AsSpan()));
    }

    /// <summary>
    /// How often each other author's sums alone agree with these outcomes, and how often they say the opposite; authors of whom nothing
    /// can be said are left out. What came of the same query counts once, and no capability more than eight times.
    /// </summary>
    /// <param name="model">What the authors told.</param>
    /// <param name="self">This peer, which is not judged.</param>
    /// <param name="rarity">How much a term tells: its weight in the sum.</param>
    /// <param name="since">By author and capability, the sums whose growth alone is judged; null: all is.</param>
    public IReadOnlyList<Replay> Replay(MatrixModel model, string self, Func<uint, double> rarity, Func<string, string, OutcomeSums>? since = null)
    {
        var found = new List<Replay>();
        var outcomes = All
            .GroupBy(o => (o.Capability, Terms: new TermsOfQuery(o.Terms)))
            .Select(g => (g.Key.Capability, g.First().Terms, Balance: g.Sum(o => o.Good ? 1 : -1)))
            .Where(o => o.Balance != 0)
            .ToLookup(o => o.Capability, o => (o.Terms, Good: o.Balance > 0), StringComparer.Ordinal);
        foreach (var author in model.Authors.Where(a => a != self && a.Length > 0).Order(StringComparer.Ordinal))
        {
            var tally = default(Tally);
            foreach (var (capability, all) in model.Of(author))
            {
                if (!outcomes.Contains(capability))
                {
                    continue;
                }

                var sums = since is null ? all : all.Since(since(author, capability));
                var ofIt = default(Tally);
                foreach (var outcome in outcomes[capability])
                {
                    ofIt += Foretold(sums, outcome.Terms.AsSpan(), rarity) is { } good ? Tally.Of(good == outcome.Good) : default;
                }

                tally += ofIt.AtMost(MostOfACapability);
            }

            if (tally.Count > 0)
            {
                found.Add(new Replay(author, tally.For, tally.Against));
            }
        }

        return found;
    }

    /// <summary>What sums say of a query; null when they know none of its terms, or both equally.</summary>
    public static bool? Foretold(OutcomeSums sums, ReadOnlySpan<uint> terms, Func<uint, double> rarity)
    {
        var balance = 0.0;
        var known = sums.Terms;
        foreach (var term in terms)
        {
            if (known.BinarySearch(term) is >= 0 and var at)
            {
                var (good, bad) = (sums.GoodCounts[at], sums.BadCounts[at]);
                balance += rarity(term) * ((double)good - bad) / (good + bad + 1);
            }
        }

        return balance == 0 ? null : balance > 0;
    }

    private readonly record struct TermsOfQuery(ImmutableArray<uint> Terms)
    {
        public bool Equals(TermsOfQuery other) => Terms.AsSpan().SequenceEqual(other.Terms.AsSpan());

        public override int GetHashCode() => Terms.Length == 0 ? 0 : HashCode.Combine(Terms.Length, Terms[0], Terms[^1]);
    }
}
