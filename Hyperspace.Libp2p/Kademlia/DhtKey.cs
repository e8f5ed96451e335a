using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>A point of the 256-bit key space, or the XOR distance between two (Maymounkov, Mazières 2002); ordered as a big-endian number.</summary>
internal readonly record struct DhtKey(ulong A, ulong B, ulong C, ulong D) : IComparable<DhtKey>
{
    /// <summary>Bits of a key.</summary>
    public const int Bits = 256;

    /// <summary>The point of a record key, a provider key, or a peer id's multihash: its SHA-256 (libp2p/specs kad-dht).</summary>
    public static DhtKey Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return new DhtKey(
            BinaryPrimitives.ReadUInt64BigEndian(hash),
            BinaryPrimitives.ReadUInt64BigEndian(hash[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(hash[16..]),
            BinaryPrimitives.ReadUInt64BigEndian(hash[24..]));
    }

    /// <summary>The point of a peer.</summary>
    public static DhtKey Of(PeerId peer) => peer.DhtPoint;

    /// <summary>The XOR distance to another point.</summary>
    public DhtKey DistanceTo(DhtKey other) => new(A ^ other.A, B ^ other.B, C ^ other.C, D ^ other.D);

    /// <summary>Leading bits that two points share: 0 to 256.</summary>
    public int CommonPrefixLength(DhtKey other)
    {
        var d = DistanceTo(other);
        return d.A != 0 ? BitOperations.LeadingZeroCount(d.A)
            : d.B != 0 ? 64 + BitOperations.LeadingZeroCount(d.B)
            : d.C != 0 ? 128 + BitOperations.LeadingZeroCount(d.C)
            : 192 + BitOperations.LeadingZeroCount(d.D);
    }

    /// <inheritdoc/>
    public int CompareTo(DhtKey other)
    {
        var c = A.CompareTo(other.A);
        c = c != 0 ? c : B.CompareTo(other.B);
        c = c != 0 ? c : C.CompareTo(other.C);
        return c != 0 ? c : D.CompareTo(other.D);
    }
}
