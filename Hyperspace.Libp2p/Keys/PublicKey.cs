using NSec.Cryptography;

namespace Hyperspace.Libp2p.Keys;

/// <summary>
/// An Ed25519 public key in libp2p's clothes (libp2p/specs peer-ids: protobuf <c>{Type=1, Data=2}</c>, deterministic).
/// RSA, ECDSA and secp256k1 identities are refused: no Hyperspace peer has one.
/// </summary>
public sealed class PublicKey : IEquatable<PublicKey>
{
    private static readonly byte[] Ed25519Prefix = [0x08, 0x01, 0x12, 0x20];
    private readonly NSec.Cryptography.PublicKey _key;
    private readonly byte[] _raw;

    private PublicKey(byte[] raw)
    {
        _raw = raw;
        _key = NSec.Cryptography.PublicKey.Import(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey);
    }

    /// <summary>The raw 32-byte Ed25519 key.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>The peer id of the holder: identity multihash of the protobuf encoding.</summary>
    public PeerId PeerId => PeerId.FromPublicKey(this);

    /// <summary>Takes a raw 32-byte Ed25519 key.</summary>
    /// <exception cref="FormatException">Not 32 bytes, or not a point that Ed25519 accepts.</exception>
    public static PublicKey FromRaw(ReadOnlySpan<byte> raw)
    {
        if (raw.Length != 32 || !NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey, out _))
        {
            throw new FormatException("An Ed25519 public key is 32 bytes and a valid point.");
        }

        return new PublicKey(raw.ToArray());
    }

    /// <summary>Reads libp2p's protobuf form (36 bytes for Ed25519).</summary>
    /// <exception cref="FormatException">Another key type, or damaged bytes.</exception>
    public static PublicKey FromProtobuf(ReadOnlySpan<byte> encoded)
    {
        if (encoded.Length != 36 || !encoded.StartsWith(Ed25519Prefix))
        {
            throw new FormatException("Only Ed25519 public keys in libp2p's 36-byte protobuf form are supported.");
        }

        return FromRaw(encoded[4..]);
    }

    /// <summary>libp2p's deterministic protobuf form: <c>08 01 12 20</c> and the 32 bytes.</summary>
    public byte[] ToProtobuf() => [.. Ed25519Prefix, .. _raw];

    /// <summary>True when <paramref name="signature"/> (64 bytes) is this key's Ed25519 signature over <paramref name="data"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == 64 && SignatureAlgorithm.Ed25519.Verify(_key, data, signature);

    /// <inheritdoc/>
    public bool Equals(PublicKey? other) => other is not null && _raw.AsSpan().SequenceEqual(other._raw);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_raw, 0);
}
