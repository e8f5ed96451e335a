using System.Buffers.Binary;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Which signed delta proves the sums of each author and capability: what may be handed on to others. It follows what a
/// <see cref="MatrixModel"/> takes in, so the same deltas, in any order, leave the same envelopes; those that prove nothing any more are
/// forgotten. For one thread at a time.
/// </summary>
internal sealed class MatrixProofs
{
    private readonly Dictionary<string, Author> _authors = new(StringComparer.Ordinal);
    private readonly HashSet<ulong> _keys = [];

    /// <summary>The key of an envelope: the first bytes of its id.</summary>
    public static ulong KeyOf(SignedEnvelope envelope) => BinaryPrimitives.ReadUInt64LittleEndian(Convert.FromHexString(envelope.Id.AsSpan(0, 16)));

    /// <summary>Each author with the exclusive or of the keys of its envelopes, ordinal.</summary>
    public IEnumerable<(string Author, ulong Digest)> Digests => _authors.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => (a.Key, a.Value.Digest));

    /// <summary>The bytes of all envelopes.</summary>
    public long Bytes { get; private set; }

    /// <summary>The same number on every peer that has the same envelopes of the author; 0 for none.</summary>
    public ulong DigestOf(string author) => _authors.TryGetValue(author, out var known) ? known.Digest : 0;

    /// <summary>The keys of an author's envelopes.</summary>
    public IReadOnlyCollection<ulong> KeysOf(string author) => _authors.TryGetValue(author, out var known) ? known.Uses.Keys : [];

    /// <summary>The bytes of an author's envelopes.</summary>
    public long BytesOf(string author) => _authors.TryGetValue(author, out var known) ? known.Bytes : 0;

    /// <summary>Whether an envelope is kept.</summary>
    public bool Contains(ulong key) => _keys.Contains(key);

    /// <summary>The outcomes that the envelope of an author and capability proves; 0 without one.</summary>
    public ulong OutcomesOf(string author, string capability) => _authors.TryGetValue(author, out var known) && known.Proofs.TryGetValue(capability, out var proof) ? proof.Outcomes : 0;

    /// <summary>An envelope brought sums that the model has for proven. Returns whether it proves them from now on.</summary>
    /// <param name="author">The author.</param>
    /// <param name="capability">The capability.</param>
    /// <param name="outcomes">In the sums.</param>
    /// <param name="envelope">Its key and its size in bytes.</param>
    /// <param name="same">Another envelope proved the very same sums already: the one with the greater key does.</param>
    /// <param name="forgotten">The key of an envelope that proves nothing any more.</param>
    public bool Put(string author, string capability, ulong outcomes, (ulong Key, int Bytes) envelope, bool same, out ulong? forgotten)
    {
        forgotten = null;
        if (!_authors.TryGetValue(author, out var known))
        {
            _authors.Add(author, known = new Author());
        }

        var before = known.Proofs.TryGetValue(capability, out var proof);
        if (before && same && envelope.Key <= proof.Key)
        {
            return false;
        }

        known.Proofs[capability] = (outcomes, envelope.Key);
        if (known.Use(envelope.Key, envelope.Bytes))
        {
            Bytes += envelope.Bytes;
            _keys.Add(envelope.Key);
        }

        forgotten = before ? Release(known, proof.Key) : null;
        return true;
    }

    /// <summary>The model forgot sums: nothing proves them. Returns the key of an envelope that proves nothing any more.</summary>
    public ulong? Remove(string author, string capability)
    {
        if (!_authors.TryGetValue(author, out var known) || !known.Proofs.Remove(capability, out var proof))
        {
            return null;
        }

        if (known.Proofs.Count == 0)
        {
            _authors.Remove(author);
        }

        return Release(known, proof.Key);
    }

    private ulong? Release(Author author, ulong key)
    {
        if (!author.Release(key, out var bytes))
        {
            return null;
        }

        Bytes -= bytes;
        _keys.Remove(key);
        return key;
    }

    private sealed class Author
    {
        public Dictionary<string, (ulong Outcomes, ulong Key)> Proofs { get; } = new(StringComparer.Ordinal);

        public Dictionary<ulong, (int Uses, int Bytes)> Uses { get; } = [];

        public ulong Digest { get; private set; }

        public long Bytes { get; private set; }

        /// <summary>Whether it is the first use.</summary>
        public bool Use(ulong key, int bytes)
        {
            var known = Uses.TryGetValue(key, out var use);
            Uses[key] = known ? use with { Uses = use.Uses + 1 } : (1, bytes);
            (Digest, Bytes) = known ? (Digest, Bytes) : (Digest ^ key, Bytes + bytes);
            return !known;
        }

        /// <summary>Whether it was the last use.</summary>
        public bool Release(ulong key, out int bytes)
        {
            (var uses, bytes) = Uses[key];
            if (uses > 1)
            {
                Uses[key] = (uses - 1, bytes);
                return false;
            }

            Uses.Remove(key);
            (Digest, Bytes) = (Digest ^ key, Bytes - bytes);
            return true;
        }
    }
}
