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
    private PeerId? _peerId;

    private PublicKey(byte[] raw, NSec.Cryptography.PublicKey key) => (_raw, _key) = (raw, key);

    /// <summary>The raw 32-byte Ed25519 key.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>The peer id of the holder: identity multihash of the protobuf encoding.</summary>
    public PeerId PeerId => _peerId ??= PeerId.FromPublicKey(this);

    /// <summary>Takes a raw 32-byte Ed25519 key. Bytes that are no point of the curve make a key under which no signature verifies.</summary>
    /// <exception cref="FormatException">Not 32 bytes.</exception>
    public static PublicKey FromRaw(ReadOnlySpan<byte> raw) => new(raw.ToArray(), Import(raw));

    /// <summary>Reads libp2p's protobuf form (36 bytes for Ed25519).</summary>
    /// <exception cref="FormatException">Another key type, or damaged bytes.</exception>
    public static PublicKey FromProtobuf(ReadOnlySpan<byte> encoded) => FromRaw(RawOf(encoded));

    /// <summary>libp2p's deterministic protobuf form: <c>08 01 12 20</c> and the 32 bytes.</summary>
    public byte[] ToProtobuf() => [.. Ed25519Prefix, .. _raw];

    /// <summary>True when <paramref name="signature"/> (64 bytes) is this key's Ed25519 signature over <paramref name="data"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        signature.Length == 64 && SignatureAlgorithm.Ed25519.Verify(_key, data, signature);

    /// <summary>Judges libp2p's protobuf form without keeping the key.</summary>
    /// <exception cref="FormatException">As <see cref="FromProtobuf"/>.</exception>
    internal static void ThrowIfNoKey(ReadOnlySpan<byte> encoded) => Import(RawOf(encoded));

    /// <inheritdoc/>
    public bool Equals(PublicKey? other) => other is not null && _raw.AsSpan().SequenceEqual(other._raw);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_raw, 0);

    private static ReadOnlySpan<byte> RawOf(ReadOnlySpan<byte> encoded) =>
        encoded.Length == 36 && encoded.StartsWith(Ed25519Prefix)
            ? encoded[4..]
            : throw new FormatException("Only Ed25519 public keys in libp2p's 36-byte protobuf form are supported.");

    private static NSec.Cryptography.PublicKey Import(ReadOnlySpan<byte> raw) =>
        NSec.Cryptography.PublicKey.TryImport(SignatureAlgorithm.Ed25519, raw, KeyBlobFormat.RawPublicKey, out var key)
            ? key!
            : throw new FormatException("An Ed25519 public key has 32 bytes.");
}
