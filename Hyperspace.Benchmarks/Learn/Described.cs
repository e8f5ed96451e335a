using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What tools say of themselves, for peers without actors: they all know the same tools, so each query is looked up once for all of them.</summary>
internal sealed class Described : IDisposable
{
    private readonly MatrixStore _store = MatrixStore.Open(null, out _);
    private readonly CapabilityIndex _index;
    private readonly Dictionary<string, DescribedQuery> _queries = new(StringComparer.Ordinal);

    public Described(ToolQueries data)
    {
        _index = new CapabilityIndex(_store);
        foreach (var (tool, text) in data.Tools)
        {
            _index.Put(new Capability(LearnPeer.NameOf(tool), "tool", LearnPeer.NameOf(tool), text, [], ""), long.MaxValue);
        }
    }

    /// <summary>What the descriptions say of a query.</summary>
    public DescribedQuery Of(string query)
    {
        if (!_queries.TryGetValue(query, out var found))
        {
            _queries.Add(query, found = new DescribedQuery(_index.Lexical(query), _index.Alike(query), MatrixTerms.Of(CapabilityIndex.Spaced(query))));
        }

        return found;
    }

    public void Dispose() => _store.Dispose();
}

/// <summary>A query's hits by words and by n-grams, and its terms.</summary>
internal sealed record DescribedQuery(IReadOnlyList<Scored> Lexical, IReadOnlyList<Scored> Alike, uint[] Terms);
