using System.Collections.Immutable;
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

    /// <summary>The outcomes, oldest first.</summary>
    public ImmutableQueue<OwnOutcome> All { get; private init; } = [];

    /// <summary>How many there are.</summary>
    public int Count { get; private init; }

    /// <summary>With one more; the oldest goes when there are too many.</summary>
    public OwnOutcomes With(OwnOutcome outcome) => Count < Capacity
        ? new OwnOutcomes { All = All.Enqueue(outcome), Count = Count + 1 }
        : new OwnOutcomes { All = All.Dequeue().Enqueue(outcome), Count = Count };

    /// <summary>How often each other author's sums alone foretold these outcomes, and how often the opposite; authors of whom nothing can be said are left out.</summary>
    /// <param name="model">What the authors told.</param>
    /// <param name="self">This peer, which is not judged.</param>
    /// <param name="rarity">How much a term tells: its weight in the sum.</param>
    /// <param name="since">By author and capability, the sums whose growth alone is judged; null: all is.</param>
    public IReadOnlyList<Replay> Replay(MatrixModel model, string self, Func<uint, double> rarity, Func<string, string, OutcomeSums>? since = null)
    {
        var found = new List<Replay>();
        var outcomes = All.ToLookup(o => o.Capability, StringComparer.Ordinal);
        foreach (var author in model.Authors.Where(a => a != self && a.Length > 0).Order(StringComparer.Ordinal))
        {
            var (agreed, disagreed) = (0, 0);
            foreach (var (capability, all) in model.Of(author))
            {
                if (!outcomes.Contains(capability))
                {
                    continue;
                }

                var sums = since is null ? all : all.Since(since(author, capability));
                foreach (var outcome in outcomes[capability])
                {
                    if (Foretold(sums, outcome.Terms.AsSpan(), rarity) is { } good)
                    {
                        (agreed, disagreed) = good == outcome.Good ? (agreed + 1, disagreed) : (agreed, disagreed + 1);
                    }
                }
            }

            if (agreed + disagreed > 0)
            {
                found.Add(new Replay(author, agreed, disagreed));
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
}
