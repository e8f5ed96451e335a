using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// The first 128 bits of SHA-256 over a message id: what caches hold instead of the id, so that a remembered message
/// costs 16 bytes whatever the id's form, and nobody can aim at a collision.
/// </summary>
internal readonly record struct MessageKey(ulong High, ulong Low)
{
    /// <summary>The key of a message id.</summary>
    public static MessageKey Of(ReadOnlySpan<byte> messageId)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(messageId, hash);
        return new MessageKey(BinaryPrimitives.ReadUInt64LittleEndian(hash), BinaryPrimitives.ReadUInt64LittleEndian(hash[8..]));
    }
}

/// <summary>Compares byte strings by content, with look-up by span.</summary>
internal sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly BytesComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = new HashCode();
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }
}
