using System.Collections.Immutable;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>How good a peer's ranking is.</summary>
/// <param name="Accuracy">The share of queries for which the right tool comes first.</param>
/// <param name="FalseFirsts">Per tool, the share of the queries of others for which it comes first.</param>
internal sealed record Judgement(double Accuracy, IReadOnlyDictionary<string, double> FalseFirsts)
{
    public static Judgement Of(ImmutableArray<LabelledQuery> queries, ImmutableArray<string?> firsts)
    {
        var pairs = queries.Select((q, i) => (Right: LearnPeer.NameOf(q.Tool), First: firsts[i])).ToList();
        var wrong = pairs.Where(static p => p.First is not null && p.First != p.Right).GroupBy(static p => p.First!, StringComparer.Ordinal);
        return new Judgement(
            pairs.Count(static p => p.First == p.Right) / (double)pairs.Count,
            wrong.ToDictionary(static g => g.Key, g => g.Count() / (double)pairs.Count(p => p.Right != g.Key), StringComparer.Ordinal));
    }
}
