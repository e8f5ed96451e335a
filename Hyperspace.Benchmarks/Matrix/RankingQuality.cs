using Hyperspace.Actors.Matrix;
using Hyperspace.Benchmarks.Learn;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Benchmarks.Matrix;

/// <summary>
/// How well the legs of the matrix and their fusion rank ToolE's tools: nDCG@10 and recall@5 on held-out queries, after so
/// many votes for the right tool, each validated before it is learnt.
/// </summary>
internal sealed class RankingQuality(ToolQueries data, int seed) : IDisposable
{
    private const string Self = "self";
    private const string Provider = "provider";
    private readonly QuerySplit _split = data.Split(seed);
    private readonly MatrixStore _store = MatrixStore.Open(null, out _);

    private static readonly (string Name, Func<Legs, Mixture, double> Score)[] Legs =
    [
        ("words (BM25)", (legs, _) => legs.Lexical),
        ("character n-grams", (legs, _) => legs.Alike),
        ("learned", (legs, _) => legs.Learned),
        ("equal-weight RRF of the three", (_, _) => 0),
        ("fusion", (legs, mixture) => legs.Mixed(mixture)),
    ];

    /// <summary>The figures after each number of votes, which must ascend.</summary>
    public IReadOnlyList<Figure> Measure(IReadOnlyList<int> votes)
    {
        var index = new CapabilityIndex(_store);
        foreach (var (name, description) in data.Tools)
        {
            index.Put(new Capability($"{Provider}/{name}", "tool", name, description, [], Provider), long.MaxValue);
        }

        var model = new MatrixModel();
        var ranker = new MatrixRanker(index, new LearnedLeg(model, Self, _ => 1));
        var fusion = Fusion.Untried;
        var figures = new List<Figure>();
        var voted = 0;
        foreach (var count in votes)
        {
            for (; voted < count; voted++)
            {
                var (text, tool) = _split.Train[voted];
                fusion = fusion.With(MatrixRanker.Ranks(ranker.Candidates(text, []), $"{Provider}/{tool}", withEmbedder: false), good: true);
                model.Record(Self, $"{Provider}/{tool}", MatrixTerms.Of(text), good: true);
            }

            figures.AddRange(Judge(ranker, fusion.Best(withEmbedder: false), count));
        }

        return figures;
    }

    public void Dispose() => _store.Dispose();

    private IEnumerable<Figure> Judge(MatrixRanker ranker, Mixture mixture, int votes)
    {
        var (gains, hits) = (new double[Legs.Length], new double[Legs.Length]);
        foreach (var (text, tool) in _split.HeldOut)
        {
            var candidates = ranker.Candidates(text, []);
            for (var leg = 0; leg < Legs.Length; leg++)
            {
                var rank = Legs[leg].Name.Contains("RRF", StringComparison.Ordinal)
                    ? RankOf(ReciprocalRanks(candidates), $"{Provider}/{tool}")
                    : RankOf([.. candidates.Select(c => new Scored(c.Capability, Legs[leg].Score(c, mixture)))], $"{Provider}/{tool}");
                gains[leg] += rank is > 0 and <= 10 ? 1 / Math.Log2(1 + rank) : 0;
                hits[leg] += rank is > 0 and <= 5 ? 1 : 0;
            }
        }

        var best = gains.SkipLast(2).Max() / _split.HeldOut.Length;
        for (var leg = 0; leg < Legs.Length; leg++)
        {
            yield return new Figure($"{votes} votes, {Legs[leg].Name}: nDCG@10", gains[leg] / _split.HeldOut.Length, "");
            yield return new Figure($"{votes} votes, {Legs[leg].Name}: R@5", hits[leg] / _split.HeldOut.Length, "");
        }

        yield return new Figure($"{votes} votes: best leg − fusion (learned × {mixture.Learned}), nDCG@10", best - (gains[^1] / _split.HeldOut.Length), "", AtMost: 0.02);
    }

    /// <summary>The naive fusion that throttles what was learnt: 1 / (60 + rank), summed over the legs.</summary>
    private static List<Scored> ReciprocalRanks(IReadOnlyList<Legs> candidates)
    {
        var sums = candidates.ToDictionary(c => c.Capability, _ => 0.0, StringComparer.Ordinal);
        foreach (var leg in Legs.Take(3))
        {
            var rank = 0;
            foreach (var one in candidates.Where(c => leg.Score(c, default) > 0).OrderByDescending(c => leg.Score(c, default)).ThenBy(c => c.Capability, StringComparer.Ordinal))
            {
                sums[one.Capability] += 1.0 / (60 + ++rank);
            }
        }

        return [.. sums.Select(s => new Scored(s.Key, s.Value))];
    }

    private static int RankOf(List<Scored> scored, string right)
    {
        var own = scored.Find(s => s.Capability == right);
        return own.Score <= 0 ? 0 : 1 + scored.Count(s => s.Score > own.Score || (s.Score == own.Score && string.CompareOrdinal(s.Capability, right) < 0));
    }
}
