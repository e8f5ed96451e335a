using System.Security.Cryptography;
using NSec.Cryptography;

namespace Hyperspace.Libp2p.Noise;

/// <summary>
/// <c>Noise_XX_25519_ChaChaPoly_SHA256</c> (Noise spec rev. 34): <c>→ e</c>; <c>← e, ee, s, es</c>; <c>→ s, se</c>.
/// Knows nothing of libp2p or of sockets; messages go in and out whole.
/// </summary>
internal sealed class NoiseXx : IDisposable
{
    private const int KeyLength = 32;
    private readonly bool _initiator;
    private readonly Key _static;
    private readonly Key _ephemeral;
    private byte[] _chainingKey = ProtocolName.ToArray();
    private CipherState? _cipher;
    private PublicKey? _remoteEphemeral;
    private PublicKey? _remoteStatic;
    private int _message;

    /// <summary>Takes ownership of both keys.</summary>
    public NoiseXx(bool initiator, Key staticKey, Key ephemeralKey, ReadOnlySpan<byte> prologue)
    {
        _initiator = initiator;
        _static = staticKey;
        _ephemeral = ephemeralKey;

        // The protocol's name is exactly as long as a hash, so it stands for itself.
        HandshakeHash = ProtocolName.ToArray();
        MixHash(prologue);
    }

    private static ReadOnlySpan<byte> ProtocolName => "Noise_XX_25519_ChaChaPoly_SHA256"u8;

    /// <summary>True after the third message.</summary>
    public bool IsComplete => _message == 3;

    /// <summary>True when this side writes the next message.</summary>
    public bool IsOurTurn => !IsComplete && _initiator == (_message != 1);

    /// <summary>The hash of the transcript so far.</summary>
    public byte[] HandshakeHash { get; private set; }

    /// <summary>The remote's static X25519 key, once it was sent.</summary>
    public byte[]? RemoteStatic => _remoteStatic?.Export(KeyBlobFormat.RawPublicKey);

    /// <summary>A new X25519 key.</summary>
    public static Key NewKey() => Key.Create(KeyAgreementAlgorithm.X25519, new KeyCreationParameters { ExportPolicy = KeyExportPolicies.None });

    /// <summary>Writes the next message around <paramref name="payload"/>.</summary>
    public byte[] Write(ReadOnlySpan<byte> payload)
    {
        if (!IsOurTurn)
        {
            throw new InvalidOperationException("It is the remote's turn in the handshake.");
        }

        using var message = new MemoryStream();
        switch (_message)
        {
            case 0:
                WriteEphemeral(message);
                break;
            case 1:
                WriteEphemeral(message);
                MixAgreement(_ephemeral, _remoteEphemeral!);
                message.Write(EncryptAndHash(_static.PublicKey.Export(KeyBlobFormat.RawPublicKey)));
                MixAgreement(_static, _remoteEphemeral!);
                break;
            default:
                message.Write(EncryptAndHash(_static.PublicKey.Export(KeyBlobFormat.RawPublicKey)));
                MixAgreement(_static, _remoteEphemeral!);
                break;
        }

        message.Write(EncryptAndHash(payload));
        _message++;
        return message.ToArray();
    }

    /// <summary>Reads the remote's next message and returns its payload.</summary>
    /// <exception cref="NoiseException">Too short, not authentic, or a weak key.</exception>
    public byte[] Read(ReadOnlySpan<byte> message)
    {
        if (IsComplete || IsOurTurn)
        {
            throw new NoiseException("The remote sent a handshake message out of turn.");
        }

        switch (_message)
        {
            case 0:
                ReadEphemeral(ref message);
                break;
            case 1:
                ReadEphemeral(ref message);
                MixAgreement(_ephemeral, _remoteEphemeral!);
                ReadStatic(ref message);
                MixAgreement(_ephemeral, _remoteStatic!);
                break;
            default:
                ReadStatic(ref message);
                MixAgreement(_ephemeral, _remoteStatic!);
                break;
        }

        var payload = DecryptAndHash(message);
        _message++;
        return payload;
    }

    /// <summary>The transport ciphers, for what this side sends and receives.</summary>
    public (CipherState Send, CipherState Receive) Split()
    {
        var keys = HKDF.DeriveKey(HashAlgorithmName.SHA256, [], 2 * KeyLength, _chainingKey, []);
        var first = new CipherState(keys.AsSpan(0, KeyLength));
        var second = new CipherState(keys.AsSpan(KeyLength));
        CryptographicOperations.ZeroMemory(keys);
        return _initiator ? (first, second) : (second, first);
    }

    public void Dispose()
    {
        _cipher?.Dispose();
        _static.Dispose();
        _ephemeral.Dispose();
        CryptographicOperations.ZeroMemory(_chainingKey);
    }

    private static PublicKey ImportKey(ReadOnlySpan<byte> raw) =>
        PublicKey.TryImport(KeyAgreementAlgorithm.X25519, raw, KeyBlobFormat.RawPublicKey, out var key)
            ? key!
            : throw new NoiseException("The remote's X25519 key is not valid.");

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> message, int length)
    {
        if (message.Length < length)
        {
            throw new NoiseException("A Noise handshake message is cut off.");
        }

        var taken = message[..length];
        message = message[length..];
        return taken;
    }

    private void WriteEphemeral(MemoryStream message)
    {
        var raw = _ephemeral.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        message.Write(raw);
        MixHash(raw);
    }

    private void ReadEphemeral(ref ReadOnlySpan<byte> message)
    {
        var raw = Take(ref message, KeyLength);
        _remoteEphemeral = ImportKey(raw);
        MixHash(raw);
    }

    private void ReadStatic(ref ReadOnlySpan<byte> message) =>
        _remoteStatic = ImportKey(DecryptAndHash(Take(ref message, KeyLength + CipherState.TagLength)));

    private void MixHash(ReadOnlySpan<byte> data)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(HandshakeHash);
        hash.AppendData(data);
        HandshakeHash = hash.GetHashAndReset();
    }

    private void MixAgreement(Key ours, PublicKey theirs)
    {
        using var secret = KeyAgreementAlgorithm.X25519.Agree(ours, theirs, new SharedSecretCreationParameters { ExportPolicy = KeyExportPolicies.AllowPlaintextExport })
            ?? throw new NoiseException("The remote's X25519 key is of low order.");
        var raw = secret.Export(SharedSecretBlobFormat.RawSharedSecret);
        var keys = HKDF.DeriveKey(HashAlgorithmName.SHA256, raw, 2 * KeyLength, _chainingKey, []);
        _chainingKey = keys[..KeyLength];
        _cipher?.Dispose();
        _cipher = new CipherState(keys.AsSpan(KeyLength));
        CryptographicOperations.ZeroMemory(raw);
        CryptographicOperations.ZeroMemory(keys);
    }

    private byte[] EncryptAndHash(ReadOnlySpan<byte> plaintext)
    {
        var ciphertext = new byte[plaintext.Length + (_cipher is null ? 0 : CipherState.TagLength)];
        if (_cipher is null)
        {
            plaintext.CopyTo(ciphertext);
        }
        else
        {
            _cipher.Encrypt(HandshakeHash, plaintext, ciphertext);
        }

        MixHash(ciphertext);
        return ciphertext;
    }

    private byte[] DecryptAndHash(ReadOnlySpan<byte> ciphertext)
    {
        byte[] plaintext;
        if (_cipher is null)
        {
            plaintext = ciphertext.ToArray();
        }
        else
        {
            plaintext = new byte[Math.Max(0, ciphertext.Length - CipherState.TagLength)];
            _cipher.Decrypt(HandshakeHash, ciphertext, plaintext);
        }

        MixHash(ciphertext);
        return plaintext;
    }
}
