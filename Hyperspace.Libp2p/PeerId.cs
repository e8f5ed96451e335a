using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using SimpleBase;

namespace Hyperspace.Libp2p;

/// <summary>
/// A libp2p peer id: the identity multihash (<c>00 24</c>) of an Ed25519 public key, written <c>12D3KooW…</c>
/// (libp2p/specs peer-ids). Also reads the CIDv1 form (<c>bafz…</c>).
/// </summary>
public sealed class PeerId : IEquatable<PeerId>, IComparable<PeerId>
{
    private const int EncodedKeyLength = 36;

    // Unknown to others, so that nobody can choose ids that fall together in a hash table.
    private static readonly ulong HashFactor = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    private readonly byte[] _bytes;
    private PublicKey? _key;
    private StrongBox<DhtKey>? _point;
    private string? _text;

    private PeerId(byte[] bytes, PublicKey? key = null) => (_bytes, _key) = (bytes, key);

    /// <summary>The multihash bytes (38 for Ed25519).</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The public key that the id carries.</summary>
    public PublicKey PublicKey => _key ??= PublicKey.FromProtobuf(_bytes.AsSpan(2));

    /// <summary>Where the peer stands in Kademlia's key space: the SHA-256 of its multihash.</summary>
    internal DhtKey DhtPoint => (_point ??= new StrongBox<DhtKey>(DhtKey.Of(_bytes))).Value;

    /// <summary>The id of <paramref name="key"/>.</summary>
    public static PeerId FromPublicKey(PublicKey key) => new([0x00, EncodedKeyLength, .. key.ToProtobuf()], key);

    /// <summary>Reads the multihash bytes.</summary>
    /// <exception cref="FormatException">Not the identity multihash of an Ed25519 key.</exception>
    public static PeerId FromBytes(ReadOnlySpan<byte> multihash)
    {
        if (multihash.Length != EncodedKeyLength + 2 || multihash[0] != 0 || multihash[1] != EncodedKeyLength)
        {
            throw new FormatException("Only peer ids that carry an Ed25519 key (identity multihash, 38 bytes) are supported.");
        }

        PublicKey.ThrowIfNoKey(multihash[2..]);
        return new PeerId(multihash.ToArray());
    }

    /// <summary>Reads <c>12D3KooW…</c> (base58btc multihash) or <c>bafz…</c> (CIDv1, libp2p-key, base32).</summary>
    /// <exception cref="FormatException">Neither form, or not an Ed25519 id.</exception>
    public static PeerId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is < 40 or > 128)
        {
            throw new FormatException($"'{(text.Length > 40 ? text[..40] + "…" : text)}' is not a peer id: expected the form 12D3KooW….");
        }

        try
        {
            if (text.StartsWith("bafz", StringComparison.Ordinal))
            {
                var cid = Base32.Rfc4648.Decode(text.AsSpan(1).ToString().ToUpperInvariant());
                return cid.Length > 2 && cid[0] == 1 && cid[1] == 0x72
                    ? FromBytes(cid.AsSpan(2))
                    : throw new FormatException("A peer id CID has version 1 and the codec libp2p-key.");
            }

            return FromBytes(Base58.Bitcoin.Decode(text));
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"'{text}' is not a peer id: {e.Message}", e);
        }
    }

    /// <summary>As <see cref="Parse"/>, without throwing.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out PeerId? peerId)
    {
        try
        {
            peerId = text is null ? null : Parse(text);
        }
        catch (FormatException)
        {
            peerId = null;
        }

        return peerId is not null;
    }

    /// <inheritdoc/>
    public bool Equals(PeerId? other) => ReferenceEquals(this, other) || (other is not null && _bytes.AsSpan().SequenceEqual(other._bytes));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerId);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)((MemoryMarshal.Read<ulong>(_bytes.AsSpan(8)) * HashFactor) >> 32);

    /// <inheritdoc/>
    public int CompareTo(PeerId? other) => other is null ? 1 : _bytes.AsSpan().SequenceCompareTo(other._bytes);

    /// <summary>The base58btc form.</summary>
    public override string ToString() => _text ??= Base58.Bitcoin.Encode(_bytes);

    /// <summary>Equality by bytes.</summary>
    public static bool operator ==(PeerId? a, PeerId? b) => Equals(a, b);

    /// <summary>Inequality by bytes.</summary>
    public static bool operator !=(PeerId? a, PeerId? b) => !Equals(a, b);
}
