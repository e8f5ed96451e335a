using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>The ids of what a peer keeps of a task type, in order. Immutable.</summary>
internal sealed class IdSet
{
    /// <summary>Bytes of an id.</summary>
    public const int IdBytes = 32;

    /// <summary>Up to this many ids of a part are listed; of more the buckets are.</summary>
    public const int MaxListed = 128;

    private const int FingerprintBytes = 16;
    private readonly byte[] _ids;

    private IdSet(byte[] ids) => _ids = ids;

    /// <summary>No ids.</summary>
    public static IdSet Empty { get; } = new([]);

    /// <summary>How many there are.</summary>
    public int Count => _ids.Length / IdBytes;

    /// <summary>The ids, each once.</summary>
    /// <param name="ids">32 bytes each, in any order.</param>
    public static IdSet Of(IEnumerable<byte[]> ids)
    {
        var sorted = ids.ToList();
        sorted.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
        var bytes = new byte[sorted.Count * IdBytes];
        var count = 0;
        foreach (var id in sorted)
        {
            if (count == 0 || !bytes.AsSpan((count - 1) * IdBytes, IdBytes).SequenceEqual(id))
            {
                id.CopyTo(bytes.AsSpan(count++ * IdBytes));
            }
        }

        return new IdSet(bytes[..(count * IdBytes)]);
    }

    /// <summary>The ids.</summary>
    /// <param name="ids">32 bytes each, one behind the other, in order and each once; not to be changed.</param>
    public static IdSet OfSorted(byte[] ids) => new(ids);

    /// <summary>Both together, each once.</summary>
    public IdSet With(IdSet other)
    {
        if (other.Count == 0)
        {
            return this;
        }

        if (Count == 0)
        {
            return other;
        }

        var bytes = new byte[_ids.Length + other._ids.Length];
        var (mine, theirs, count) = (0, 0, 0);
        while (mine < Count || theirs < other.Count)
        {
            var order = mine == Count ? 1 : theirs == other.Count ? -1 : IdAt(mine).SequenceCompareTo(other.IdAt(theirs));
            (order <= 0 ? IdAt(mine) : other.IdAt(theirs)).CopyTo(bytes.AsSpan(count++ * IdBytes));
            mine += order <= 0 ? 1 : 0;
            theirs += order >= 0 ? 1 : 0;
        }

        return new IdSet(bytes[..(count * IdBytes)]);
    }

    /// <summary>Whether it is there.</summary>
    public bool Contains(ReadOnlySpan<byte> id)
    {
        var at = FirstFrom(id);
        return at < Count && IdAt(at).SequenceEqual(id);
    }

    /// <summary>What a part looks like: its ids when they are few, else its buckets.</summary>
    public IdRange Describe(ReadOnlySpan<byte> prefix)
    {
        var (start, end) = PartOf(prefix);
        var range = new IdRange { Count = (uint)(end - start), Fingerprint = Fingerprint(start, end) };
        if (end - start <= MaxListed || prefix.Length >= IdBytes)
        {
            for (var i = start; i < end; i++)
            {
                range.Ids.Add(ByteString.CopyFrom(IdAt(i)));
            }

            return range;
        }

        for (var i = start; i < end;)
        {
            var next = IdAt(i)[prefix.Length];
            var (_, last) = PartOf([.. prefix, next]);
            range.Buckets.Add(new IdBucket { Byte = next, Count = (uint)(last - i), Fingerprint = Fingerprint(i, last) });
            i = last;
        }

        return range;
    }

    /// <summary>Whether this set has the same part.</summary>
    public bool HasSame(ReadOnlySpan<byte> prefix, uint count, ByteString fingerprint)
    {
        var (start, end) = PartOf(prefix);
        return end - start == count && Fingerprint(start, end).Equals(fingerprint);
    }

    private ReadOnlySpan<byte> IdAt(int index) => _ids.AsSpan(index * IdBytes, IdBytes);

    private (int Start, int End) PartOf(ReadOnlySpan<byte> prefix)
    {
        var start = FirstFrom(prefix);
        Span<byte> last = stackalloc byte[IdBytes];
        last.Fill(0xff);
        prefix.CopyTo(last);
        var end = FirstFrom(last);
        return (start, end < Count && IdAt(end).SequenceEqual(last) ? end + 1 : end);
    }

    /// <summary>Index of the first id that is not before it.</summary>
    private int FirstFrom(ReadOnlySpan<byte> bound)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (IdAt(middle).SequenceCompareTo(bound) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    // A hash and no sum: nobody can choose ids that hide others behind an equal sum.
    private ByteString Fingerprint(int start, int end) =>
        ByteString.CopyFrom(SHA256.HashData(_ids.AsSpan(start * IdBytes, (end - start) * IdBytes)), 0, FingerprintBytes);
}
