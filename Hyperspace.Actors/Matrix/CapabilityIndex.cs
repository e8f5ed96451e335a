using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Every capability that this peer knows, and the two legs that rank by what capabilities say of themselves: BM25 (SQLite's FTS5)
/// and character n-grams. In memory it holds an id and a vector per capability; texts stay in the file.
/// </summary>
internal sealed partial class CapabilityIndex
{
    /// <summary>Most capabilities; further ones are taken in only in place of those of the provider that has most.</summary>
    public const int MaxCapabilities = 1 << 17;

    /// <summary>Most hits of a leg.</summary>
    public const int MaxHits = 200;

    // Beyond this many capabilities that have one of the query's words, its commoner words only rank and do not find, as long as there are hits enough.
    private const int MaxMatches = 1500;

    // Words that more than a quarter or 10,000 have (it takes about 2 ms to score a thousand) neither find nor rank while the query has others.
    private const int CommonShare = 4;
    private const int MostCommon = 10_000;

    // Texts that share no word have a cosine about 0 ± 0.05; below this nothing is alike.
    private const double LeastCosine = 0.15;

    private readonly MatrixStore _store;
    private readonly int _capacity;
    private readonly ProviderShares _shares;
    private readonly List<string?> _ids = [];
    private readonly List<long> _expires = [];
    private readonly Stack<int> _free = new();
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _documents = new(StringComparer.Ordinal);
    private sbyte[] _vectors = [];

    /// <summary>Reads what the store holds.</summary>
    /// <param name="store">The file.</param>
    /// <param name="self">This peer, for whose own capabilities there is always room.</param>
    /// <param name="capacity">Most capabilities.</param>
    public CapabilityIndex(MatrixStore store, string self = "", int capacity = MaxCapabilities)
    {
        (_store, _capacity, _shares) = (store, capacity, new ProviderShares(self));
        using (var reader = store.Read("SELECT number, id, expires_ms, vector FROM capabilities ORDER BY number"))
        {
            while (reader.Read())
            {
                var number = reader.GetInt32(0);
                while (_ids.Count < number)
                {
                    _free.Push(_ids.Count);
                    Grow();
                }

                Grow();
                Place(number, reader.GetString(1), reader.GetInt64(2), MemoryMarshal.Cast<byte, sbyte>((byte[])reader[3]));
            }
        }

        using var words = store.Read("SELECT term, doc FROM vocabulary");
        while (words.Read())
        {
            _documents[words.GetString(0)] = words.GetInt32(1);
        }
    }

    /// <summary>A capability was forgotten, or is about to be replaced.</summary>
    public event Action<string>? Removed;

    /// <summary>The ids of all, in no order.</summary>
    public IReadOnlyCollection<string> Ids => _numbers.Keys;

    /// <summary>How many capabilities are known.</summary>
    public int Count => _numbers.Count;

    /// <summary>Takes a capability in, or replaces what was known under its id. False when there is no room.</summary>
    /// <param name="capability">The capability.</param>
    /// <param name="expiresMs">When it is forgotten unless it is renewed, Unix time in ms.</param>
    public bool Put(Capability capability, long expiresMs)
    {
        var tags = string.Join(' ', capability.Tags);
        if (_numbers.TryGetValue(capability.Id, out var number))
        {
            var known = Find(capability.Id)!;
            if (known.Type == capability.Type && known.Name == capability.Name && known.Description == capability.Description && known.Tags.SequenceEqual(capability.Tags))
            {
                _expires[number] = expiresMs;
                _store.Write("UPDATE capabilities SET expires_ms = $expires WHERE number = $number", ("$expires", expiresMs), ("$number", number));
                return true;
            }

            Remove(capability.Id);
        }
        else if (_numbers.Count >= _capacity)
        {
            if (_shares.GivingWayTo(capability.Id) is not { } yielding)
            {
                return false;
            }

            Remove(yielding);
        }

        if (!_free.TryPop(out number))
        {
            number = _ids.Count;
            Grow();
        }

        var (name, body) = (Spaced(capability.Name), Spaced($"{capability.Description} {tags}"));
        var vector = CharVectors.Of($"{name} {body}");
        Place(number, capability.Id, expiresMs, vector);
        _store.Write(
            "INSERT INTO capabilities VALUES ($number, $id, $type, $name, $description, $tags, $peer, $expires, $vector)",
            ("$number", number), ("$id", capability.Id), ("$type", capability.Type), ("$name", capability.Name), ("$description", capability.Description),
            ("$tags", tags), ("$peer", capability.PeerId), ("$expires", expiresMs), ("$vector", MemoryMarshal.AsBytes(vector.AsSpan()).ToArray()));
        List<string> names = [.. MatrixTerms.Words(name)], words = [.. MatrixTerms.Words(body)];
        _store.Write("INSERT INTO words (rowid, name, body) VALUES ($number, $name, $body)", ("$number", number), ("$name", string.Join(' ', names)), ("$body", string.Join(' ', words)));
        foreach (var word in names.Concat(words).Distinct(StringComparer.Ordinal))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_documents, word, out _)++;
        }

        return true;
    }

    /// <summary>Forgets a capability, if it is known.</summary>
    public void Remove(string id)
    {
        if (!_numbers.TryGetValue(id, out var number))
        {
            return;
        }

        var gone = Find(id)!;
        foreach (var word in MatrixTerms.Words(Spaced($"{gone.Name} {gone.Description} {string.Join(' ', gone.Tags)}")).Distinct(StringComparer.Ordinal))
        {
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_documents, word, out _) <= 0)
            {
                _documents.Remove(word);
            }
        }

        _store.Write("DELETE FROM words WHERE rowid = $number", ("$number", number));
        _store.Write("DELETE FROM capabilities WHERE number = $number", ("$number", number));

        // Also while no embedder runs: a later one would take the vector for that of what then has this id.
        _store.Write("DELETE FROM embeddings WHERE id = $id", ("$id", id));
        _shares.Remove(id);
        _numbers.Remove(id);
        _ids[number] = null;
        _free.Push(number);
        VectorOf(number).Clear();
        Removed?.Invoke(id);
    }

    /// <summary>Forgets what has expired.</summary>
    public void Expire(long nowMs)
    {
        foreach (var id in _numbers.Where(n => _expires[n.Value] < nowMs).Select(n => n.Key).ToList())
        {
            Remove(id);
        }
    }

    /// <summary>The ids of one peer's capabilities.</summary>
    public IReadOnlyCollection<string> OfPeer(string peerId) => _shares.Of(peerId);

    /// <summary>Whether it is known.</summary>
    public bool Contains(string id) => _numbers.ContainsKey(id);

    /// <summary>A capability with its texts.</summary>
    public Capability? Find(string id)
    {
        if (!_numbers.TryGetValue(id, out var number))
        {
            return null;
        }

        using var reader = _store.Read("SELECT id, type, name, description, tags, peer FROM capabilities WHERE number = $number", ("$number", number));
        return reader.Read()
            ? new Capability(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4).Split(' ', StringSplitOptions.RemoveEmptyEntries), reader.GetString(5))
            : null;
    }

    /// <summary>BM25 over names, descriptions and tags: the best hits, best first; scores above 0, of no scale.</summary>
    public IReadOnlyList<Scored> Lexical(string query)
    {
        var words = MatrixTerms.Words(Spaced(query)).Distinct(StringComparer.Ordinal).Where(_documents.ContainsKey).OrderBy(w => _documents[w]).ThenBy(w => w, StringComparer.Ordinal).Take(MatrixTerms.MaxTerms).ToList();
        if (words.Count == 0)
        {
            return [];
        }

        var common = Math.Max(MaxMatches, Math.Min(MostCommon, Count / CommonShare));
        words = words[..Math.Max(1, words.FindIndex(w => _documents[w] > common) is >= 0 and var end ? end : words.Count)];
        var (finding, matches) = (0, 0);
        while (finding < words.Count && (finding == 0 || matches + _documents[words[finding]] <= MaxMatches))
        {
            matches += _documents[words[finding++]];
        }

        var hits = Matches(words, finding);
        while (hits.Count < MaxHits && finding < words.Count)
        {
            hits = Matches(words, ++finding);
        }

        return hits;
    }

    /// <summary>The capabilities whose character n-grams are most alike, best first; scores are cosines.</summary>
    public IReadOnlyList<Scored> Alike(string query)
    {
        var wanted = CharVectors.Of(Spaced(query));
        var best = new PriorityQueue<int, double>();
        for (var number = 0; number < _ids.Count; number++)
        {
            var cosine = CharVectors.Cosine(wanted, VectorOf(number));
            if (cosine < LeastCosine || _ids[number] is null)
            {
                continue;
            }

            if (best.Count < MaxHits)
            {
                best.Enqueue(number, cosine);
            }
            else if (best.TryPeek(out _, out var worst) && cosine > worst)
            {
                best.DequeueEnqueue(number, cosine);
            }
        }

        return [.. best.UnorderedItems.Select(i => new Scored(_ids[i.Element]!, i.Priority)).OrderByDescending(s => s.Score).ThenBy(s => s.Capability, StringComparer.Ordinal)];
    }

    /// <summary>A text with the parts of its camelCase and snake_case names as words of their own.</summary>
    internal static string Spaced(string text) => Joint().Replace(text, " ");

    // The capabilities that have one of the first so many words, ranked by all of them.
    private List<Scored> Matches(List<string> words, int finding)
    {
        var (found, ranked) = (AnyOf(words.Take(finding)), AnyOf(words));
        var hits = new List<Scored>();
        using var reader = _store.Read(
            $"SELECT rowid, bm25(words) FROM words WHERE words MATCH $match ORDER BY rank LIMIT {MaxHits}",
            ("$match", finding == words.Count ? ranked : $"({found}) AND ({ranked})"));
        while (reader.Read())
        {
            if (_ids[reader.GetInt32(0)] is { } id)
            {
                hits.Add(new Scored(id, -reader.GetDouble(1)));
            }
        }

        return hits;

        static string AnyOf(IEnumerable<string> some) => string.Join(" OR ", some.Select(w => $"\"{w}\""));
    }

    private void Grow()
    {
        _ids.Add(null);
        _expires.Add(0);
        if (_vectors.Length < _ids.Count * CharVectors.Dimensions)
        {
            Array.Resize(ref _vectors, Math.Max(64 * CharVectors.Dimensions, _vectors.Length * 2));
        }
    }

    private void Place(int number, string id, long expiresMs, ReadOnlySpan<sbyte> vector)
    {
        (_ids[number], _expires[number]) = (id, expiresMs);
        _numbers[id] = number;
        _shares.Add(id);
        vector.CopyTo(VectorOf(number));
    }

    private Span<sbyte> VectorOf(int number) => _vectors.AsSpan(number * CharVectors.Dimensions, CharVectors.Dimensions);

    [GeneratedRegex("_|(?<=[a-z])(?=[A-Z])")]
    private static partial Regex Joint();
}
