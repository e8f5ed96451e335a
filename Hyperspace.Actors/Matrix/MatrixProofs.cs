using System.Buffers.Binary;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Which signed delta proves the sums of each author and capability: what may be handed on to others. The same deltas, in any
/// order, leave the same envelopes; those that prove nothing any more are forgotten. For one thread at a time.
/// </summary>
internal sealed class MatrixProofs
{
    private readonly Dictionary<string, Author> _authors = new(StringComparer.Ordinal);
    private readonly HashSet<ulong> _keys = [];

    /// <summary>The key of an envelope: the first bytes of its id.</summary>
    public static ulong KeyOf(SignedEnvelope envelope) => BinaryPrimitives.ReadUInt64LittleEndian(Convert.FromHexString(envelope.Id.AsSpan(0, 16)));

    /// <summary>Each author with the exclusive or of the keys of its envelopes, ordinal.</summary>
    public IEnumerable<(string Author, ulong Digest)> Digests => _authors.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => (a.Key, a.Value.Digest));

    /// <summary>The same number on every peer that has the same envelopes of the author; 0 for none.</summary>
    public ulong DigestOf(string author) => _authors.TryGetValue(author, out var known) ? known.Digest : 0;

    /// <summary>The keys of an author's envelopes.</summary>
    public IReadOnlyCollection<ulong> KeysOf(string author) => _authors.TryGetValue(author, out var known) ? known.Uses.Keys : [];

    /// <summary>Whether an envelope is kept.</summary>
    public bool Contains(ulong key) => _keys.Contains(key);

    /// <summary>The outcomes that the envelope of an author and capability proves; 0 without one.</summary>
    public ulong OutcomesOf(string author, string capability) => _authors.TryGetValue(author, out var known) && known.Proofs.TryGetValue(capability, out var proof) ? proof.Outcomes : 0;

    /// <summary>An envelope brings sums: does it prove them from now on? Of as many outcomes the greater key does.</summary>
    /// <param name="author">The author.</param>
    /// <param name="capability">The capability.</param>
    /// <param name="outcomes">In the sums.</param>
    /// <param name="key">Of the envelope.</param>
    /// <param name="forgotten">The key of an envelope that proves nothing any more.</param>
    public bool Put(string author, string capability, ulong outcomes, ulong key, out ulong? forgotten)
    {
        forgotten = null;
        if (!_authors.TryGetValue(author, out var known))
        {
            _authors.Add(author, known = new Author());
        }

        var before = known.Proofs.TryGetValue(capability, out var proof);
        if (before && (outcomes, key).CompareTo((proof.Outcomes, proof.Key)) <= 0)
        {
            return false;
        }

        known.Proofs[capability] = (outcomes, key);
        known.Use(key);
        _keys.Add(key);
        if (before && known.Release(proof.Key))
        {
            _keys.Remove(proof.Key);
            forgotten = proof.Key;
        }

        return true;
    }

    /// <summary>Forgets all of an author.</summary>
    public void Forget(string author)
    {
        _keys.ExceptWith(KeysOf(author));
        _authors.Remove(author);
    }

    private sealed class Author
    {
        public Dictionary<string, (ulong Outcomes, ulong Key)> Proofs { get; } = new(StringComparer.Ordinal);

        public Dictionary<ulong, int> Uses { get; } = [];

        public ulong Digest { get; private set; }

        public void Use(ulong key)
        {
            Uses[key] = Uses.GetValueOrDefault(key) + 1;
            Digest ^= Uses[key] == 1 ? key : 0;
        }

        public bool Release(ulong key)
        {
            if (--Uses[key] > 0)
            {
                return false;
            }

            Uses.Remove(key);
            Digest ^= key;
            return true;
        }
    }
}
