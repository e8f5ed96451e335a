using NSec.Cryptography;

namespace Hyperspace.Libp2p.Keys;

/// <summary>A peer's Ed25519 key pair. The private half never leaves this class except through <see cref="ExportSeed"/>.</summary>
public sealed class KeyPair : IDisposable
{
    private readonly Key _key;

    private KeyPair(Key key)
    {
        _key = key;
        PublicKey = PublicKey.FromRaw(key.Export(KeyBlobFormat.RawPublicKey));
    }

    /// <summary>The public half.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>The peer id of this key.</summary>
    public PeerId PeerId => PublicKey.PeerId;

    /// <summary>A new key from the operating system's randomness.</summary>
    public static KeyPair Generate() => new(Key.Create(SignatureAlgorithm.Ed25519, Exportable()));

    /// <summary>The key of a 32-byte seed (RFC 8032).</summary>
    /// <exception cref="FormatException">Not 32 bytes.</exception>
    public static KeyPair FromSeed(ReadOnlySpan<byte> seed) =>
        Key.TryImport(SignatureAlgorithm.Ed25519, seed, KeyBlobFormat.RawPrivateKey, out var key, Exportable())
            ? new KeyPair(key!)
            : throw new FormatException("An Ed25519 seed is 32 bytes.");

    /// <summary>The 32-byte seed, for storing in a key file; keep it out of logs.</summary>
    public byte[] ExportSeed() => _key.Export(KeyBlobFormat.RawPrivateKey);

    /// <summary>The 64-byte Ed25519 signature over <paramref name="data"/>.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data) => SignatureAlgorithm.Ed25519.Sign(_key, data);

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static KeyCreationParameters Exportable() => new() { ExportPolicy = KeyExportPolicies.AllowPlaintextArchiving };
}
