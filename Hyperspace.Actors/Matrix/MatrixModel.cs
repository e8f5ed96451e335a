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

/// <summary>What became of the sums that a delta brings.</summary>
internal enum SumsFate
{
    /// <summary>Newer ones are proven, or there is no room for these.</summary>
    Refused,

    /// <summary>The very same are proven.</summary>
    Same,

    /// <summary>They are proven now, and the votes had said so or more already.</summary>
    Proven,

    /// <summary>They are proven now, and news.</summary>
    News,
}

/// <summary>The sums of one author and capability changed.</summary>
/// <param name="Author">The author.</param>
/// <param name="Capability">The capability.</param>
/// <param name="Before">What they were.</param>
/// <param name="After">What they are.</param>
internal readonly record struct SumsChange(string Author, string Capability, OutcomeSums Before, OutcomeSums After);

/// <summary>
/// Every author's sums: a CRDT of one register per author and capability, in which more outcomes replace fewer (ties by
/// bytes). The same deltas, in any order and however often, give the same bytes on every peer; votes run ahead of them until the
/// author's next delta. Not safe for several threads: it belongs to one actor.
/// </summary>
/// <param name="self">This peer: there is always room for its own outcomes.</param>
/// <remarks>
/// The author with the empty name is this peer for itself: its outcomes of its own capabilities, told to nobody.
/// An author keeps at most <see cref="MaxCapabilities"/>, those that come first by ordinal id, so that all peers keep the same
/// ones. Of more than <see cref="MaxAuthors"/> only those are known that came first, until some are forgotten.
/// </remarks>
internal sealed class MatrixModel(string self = "")
{
    /// <summary>Most other authors.</summary>
    public const int MaxAuthors = 4096;

    /// <summary>Most capabilities of one author.</summary>
    public const int MaxCapabilities = 4096;

    /// <summary>Longest capability id, in characters.</summary>
    public const int MaxCapability = 256;

    private readonly Dictionary<string, AuthorSums> _authors = new(StringComparer.Ordinal);
    private int _others;

    /// <summary>Heard right after each change, in the thread of the change.</summary>
    public event Action<SumsChange>? Changed;

    /// <summary>The authors, in no order.</summary>
    public IReadOnlyCollection<string> Authors => _authors.Keys;

    /// <summary>The authors other than this peer, in no order.</summary>
    public IEnumerable<string> Others => _authors.Keys.Where(a => !IsSelf(a));

    /// <summary>Whether another author finds no room.</summary>
    public bool IsFull => _others >= MaxAuthors;

    /// <summary>What all sums weigh, see <see cref="OutcomeSums.Size"/>.</summary>
    public long Size { get; private set; }

    /// <summary>The sums of one author and capability; empty when there are none.</summary>
    public OutcomeSums Find(string author, string capability) => _authors.TryGetValue(author, out var known) ? known.Find(capability) : OutcomeSums.Empty;

    /// <summary>One author's sums by capability, ordinal.</summary>
    public IReadOnlyDictionary<string, OutcomeSums> Of(string author) => _authors.TryGetValue(author, out var known) ? known.Sums : new SortedDictionary<string, OutcomeSums>(StringComparer.Ordinal);

    /// <summary>How many outcomes an author has told.</summary>
    public ulong OutcomesOf(string author) => _authors.TryGetValue(author, out var known) ? known.Outcomes : 0;

    /// <summary>What an author's sums weigh.</summary>
    public long SizeOf(string author) => _authors.TryGetValue(author, out var known) ? known.Size : 0;

    /// <summary>Whether this peer is the author, for others or for itself.</summary>
    public bool IsSelf(string author) => author.Length == 0 || author == self;

    /// <summary>Whether an author offers the capability itself: what it says of that counts nowhere.</summary>
    public static bool IsOwn(string author, string capability) => author.Length > 0 && capability.Length > author.Length && capability[author.Length] == '/' && capability.StartsWith(author, StringComparison.Ordinal);

    /// <summary>One more outcome of this peer's own. Returns its ordinal, from 1 on; 0 when the author is full.</summary>
    public ulong Record(string author, string capability, ReadOnlySpan<uint> terms, bool good)
    {
        if (!Fits(author, capability) || Author(author) is not { } known)
        {
            return 0;
        }

        var before = known.Find(capability);
        if (before.Outcomes == 0 && known.IsFull)
        {
            if (string.CompareOrdinal(capability, known.LastOfAll) > 0)
            {
                return 0;
            }

            Set(author, known, known.LastOfAll!, OutcomeSums.Empty, OutcomeSums.Empty);
        }

        var after = before.With(terms, good);
        Set(author, known, capability, after, known.Proven(capability));
        return after.Outcomes;
    }

    /// <summary>A vote as its author signed it: it counts when it is the next of its capability, and displaces none.</summary>
    public VoteFate Apply(string author, string capability, ulong ordinal, ReadOnlySpan<uint> terms, bool good)
    {
        var before = Find(author, capability);
        if (ordinal <= before.Outcomes)
        {
            return VoteFate.Known;
        }

        if (ordinal > before.Outcomes + 1)
        {
            return VoteFate.Early;
        }

        if (!Fits(author, capability) || Author(author) is not { } known || (before.Outcomes == 0 && known.IsFull))
        {
            return VoteFate.Refused;
        }

        Set(author, known, capability, before.With(terms, good), known.Proven(capability));
        return VoteFate.Applied;
    }

    /// <summary>Takes in what an author's delta says of a capability.</summary>
    public SumsFate Merge(string author, string capability, OutcomeSums sums)
    {
        if (sums.Outcomes == 0 || !Fits(author, capability) || Author(author) is not { } known)
        {
            return SumsFate.Refused;
        }

        var (before, order) = (known.Find(capability), sums.CompareTo(known.Proven(capability)));
        if (order <= 0)
        {
            return order == 0 ? SumsFate.Same : SumsFate.Refused;
        }

        if (before.Outcomes == 0 && known.IsFull)
        {
            if (!known.Displaces(capability))
            {
                return SumsFate.Refused;
            }

            Set(author, known, known.Last!, OutcomeSums.Empty, OutcomeSums.Empty);
        }

        // Votes that ran ahead stay; of as many outcomes what is signed as a whole beats what was pieced together.
        var after = before.Outcomes > sums.Outcomes ? before : sums;
        var same = after.CompareTo(before) == 0;
        Set(author, known, capability, after, sums);
        return same ? SumsFate.Proven : SumsFate.News;
    }

    /// <summary>Takes in what was known before a restart.</summary>
    /// <param name="author">The author.</param>
    /// <param name="capability">The capability.</param>
    /// <param name="sums">Its sums.</param>
    /// <param name="proven">What a delta proves of them; empty when none does.</param>
    public void Restore(string author, string capability, OutcomeSums sums, OutcomeSums proven)
    {
        if (Fits(author, capability) && Author(author) is { } known)
        {
            Set(author, known, capability, sums, proven.CompareTo(sums) == 0 ? sums : proven);
        }
    }

    /// <summary>Forgets an author's last capability, an unproven one if there is any.</summary>
    public void ForgetLast(string author)
    {
        if (_authors.TryGetValue(author, out var known) && known.Last is { } last)
        {
            Set(author, known, last, OutcomeSums.Empty, OutcomeSums.Empty);
        }
    }

    /// <summary>Forgets all of an author.</summary>
    public void Forget(string author)
    {
        while (_authors.ContainsKey(author))
        {
            ForgetLast(author);
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

    private static bool Fits(string author, string capability) => capability.Length is > 0 and <= MaxCapability && !IsOwn(author, capability);

    // Null: there is no room for another. A new one is kept from its first sums on.
    private AuthorSums? Author(string author) => _authors.TryGetValue(author, out var known) ? known : IsFull && !IsSelf(author) ? null : new AuthorSums();

    private void Set(string author, AuthorSums known, string capability, OutcomeSums after, OutcomeSums proven)
    {
        Size -= known.Size;
        var before = known.Set(capability, after, proven);
        Size += known.Size;
        if (known.Sums.Count > 0)
        {
            _others += _authors.TryAdd(author, known) && !IsSelf(author) ? 1 : 0;
        }
        else
        {
            _others -= _authors.Remove(author) && !IsSelf(author) ? 1 : 0;
        }

        Changed?.Invoke(new SumsChange(author, capability, before, after));
    }
}
