using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Matrix;

/// <summary>What became of a vote.</summary>
internal enum VoteFate
{
    /// <summary>It is in the sums now.</summary>
    Applied,

    /// <summary>The sums have it, or something newer, already.</summary>
    Known,

    /// <summary>Votes before it are missing; the author's next delta brings them all.</summary>
    Early,

    /// <summary>Nothing of this author or capability is taken in.</summary>
    Refused,
}

/// <summary>The sums of one author and capability changed.</summary>
/// <param name="Author">The author.</param>
/// <param name="Capability">The capability.</param>
/// <param name="Before">What they were.</param>
/// <param name="After">What they are.</param>
internal readonly record struct SumsChange(string Author, string Capability, OutcomeSums Before, OutcomeSums After);

/// <summary>
/// Every author's sums: a CRDT of one register per author and capability, in which more outcomes replace fewer (ties by
/// bytes). The same records, in any order and however often, give the same bytes on every peer. Not safe for several
/// threads: it belongs to one actor.
/// </summary>
/// <remarks>
/// The author with the empty name is this peer for itself: its outcomes of its own capabilities, told to nobody.
/// An author keeps at most <see cref="MaxCapabilities"/>, those that come first by ordinal id, so that all peers keep the same
/// ones. Of more than <see cref="MaxAuthors"/> only those are known that came first, until some are forgotten.
/// </remarks>
internal sealed class MatrixModel
{
    /// <summary>Most authors.</summary>
    public const int MaxAuthors = 4096;

    /// <summary>Most capabilities of one author.</summary>
    public const int MaxCapabilities = 4096;

    /// <summary>Longest capability id, in characters.</summary>
    public const int MaxCapability = 256;

    private readonly Dictionary<string, Author> _authors = new(StringComparer.Ordinal);

    /// <summary>Heard right after each change, in the thread of the change.</summary>
    public event Action<SumsChange>? Changed;

    /// <summary>The authors, in no order.</summary>
    public IReadOnlyCollection<string> Authors => _authors.Keys;

    /// <summary>Terms over all sums: what the model weighs.</summary>
    public long Terms { get; private set; }

    /// <summary>The sums of one author and capability; empty when there are none.</summary>
    public OutcomeSums Find(string author, string capability) =>
        _authors.TryGetValue(author, out var known) ? known.Sums.GetValueOrDefault(capability, OutcomeSums.Empty) : OutcomeSums.Empty;

    /// <summary>One author's sums by capability, ordinal.</summary>
    public IReadOnlyDictionary<string, OutcomeSums> Of(string author) => _authors.TryGetValue(author, out var known) ? known.Sums : new SortedDictionary<string, OutcomeSums>(StringComparer.Ordinal);

    /// <summary>How many outcomes an author has told.</summary>
    public ulong OutcomesOf(string author) => _authors.TryGetValue(author, out var known) ? known.Outcomes : 0;

    /// <summary>Whether an author offers the capability itself: what it says of that counts nowhere.</summary>
    public static bool IsOwn(string author, string capability) => author.Length > 0 && capability.Length > author.Length && capability[author.Length] == '/' && capability.StartsWith(author, StringComparison.Ordinal);

    /// <summary>One more outcome of this peer's own. Returns its ordinal, from 1 on; 0 when the author is full.</summary>
    public ulong Record(string author, string capability, ReadOnlySpan<uint> terms, bool good)
    {
        var after = Find(author, capability).With(terms, good);
        return Put(author, capability, after) ? after.Outcomes : 0;
    }

    /// <summary>A vote as its author signed it: it counts when it is the next of its capability.</summary>
    public VoteFate Apply(string author, string capability, ulong ordinal, ReadOnlySpan<uint> terms, bool good)
    {
        var known = Find(author, capability);
        return ordinal <= known.Outcomes ? VoteFate.Known
            : ordinal > known.Outcomes + 1 ? VoteFate.Early
            : Put(author, capability, known.With(terms, good)) ? VoteFate.Applied : VoteFate.Refused;
    }

    /// <summary>Takes an author's sums in, if they replace what is known. Returns whether they did.</summary>
    public bool Merge(string author, string capability, OutcomeSums sums) => sums.Supersede(Find(author, capability)) && Put(author, capability, sums);

    /// <summary>Forgets all of an author.</summary>
    public void Forget(string author)
    {
        if (_authors.Remove(author, out var known))
        {
            foreach (var (capability, sums) in known.Sums)
            {
                Terms -= sums.Terms.Length;
                Changed?.Invoke(new SumsChange(author, capability, sums, OutcomeSums.Empty));
            }
        }
    }

    /// <summary>What peers share of the model in bytes: equal on two peers exactly when that is.</summary>
    public byte[] ToCanonicalBytes()
    {
        using var bytes = new MemoryStream();
        foreach (var (author, known) in _authors.Where(a => a.Key.Length > 0).OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            new MatrixVote { Capability = author }.WriteDelimitedTo(bytes);
            foreach (var (capability, sums) in known.Sums)
            {
                sums.ToWire(capability).WriteDelimitedTo(bytes);
            }
        }

        return bytes.ToArray();
    }

    private bool Put(string author, string capability, OutcomeSums after)
    {
        if (capability.Length is 0 or > MaxCapability || IsOwn(author, capability))
        {
            return false;
        }

        if (!_authors.TryGetValue(author, out var known))
        {
            if (_authors.Count >= MaxAuthors)
            {
                return false;
            }

            _authors.Add(author, known = new Author());
        }

        var before = known.Sums.GetValueOrDefault(capability, OutcomeSums.Empty);
        if (before.Outcomes == 0 && known.Sums.Count >= MaxCapabilities)
        {
            var last = known.Last();
            if (string.CompareOrdinal(capability, last) > 0)
            {
                return false;
            }

            Set(author, known, last, known.Sums[last], OutcomeSums.Empty);
        }

        Set(author, known, capability, before, after);
        return true;
    }

    private void Set(string author, Author known, string capability, OutcomeSums before, OutcomeSums after)
    {
        if (after.Outcomes == 0)
        {
            known.Sums.Remove(capability);
        }
        else
        {
            known.Sums[capability] = after;
        }

        known.Outcomes += after.Outcomes - before.Outcomes;
        Terms += after.Terms.Length - before.Terms.Length;
        Changed?.Invoke(new SumsChange(author, capability, before, after));
    }

    private sealed class Author
    {
        public SortedDictionary<string, OutcomeSums> Sums { get; } = new(StringComparer.Ordinal);

        public ulong Outcomes { get; set; }

        public string Last() => Sums.Keys.Max(StringComparer.Ordinal)!;
    }
}
