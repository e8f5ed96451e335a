namespace Hyperspace.Actors.Evm;

/// <summary>The one thing that is asked of a secp256k1 library; two libraries must give byte-identical signatures.</summary>
internal interface ISecp256k1
{
    /// <summary>True for 32 bytes that are a private key: 1 to n − 1.</summary>
    bool IsPrivateKey(ReadOnlySpan<byte> privateKey);

    /// <summary>The 20-byte address of a private key: the last 20 bytes of keccak256 over its uncompressed point without prefix.</summary>
    byte[] AddressOf(ReadOnlySpan<byte> privateKey);

    /// <summary>Signs a 32-byte digest: 65 bytes <c>r ‖ s ‖ v</c>, deterministic (RFC 6979, SHA-256), low s, v 27 or 28.</summary>
    byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest);

    /// <summary>
    /// The 20-byte address whose key signed the 32-byte digest; null when the signature is not 65 bytes, has a v other
    /// than 27 or 28, an s above n/2 (EIP-2), or fits no key.
    /// </summary>
    byte[]? RecoverAddress(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature);
}

/// <summary>The secp256k1 library in use.</summary>
internal static class Secp256k1
{
    /// <summary>Length of a signature, in bytes.</summary>
    public const int SignatureSize = 65;

    /// <summary>Length of an address, in bytes.</summary>
    public const int AddressSize = 20;

    /// <summary>The library.</summary>
    public static ISecp256k1 Library { get; } = new BouncyCastleSecp256k1();
}
