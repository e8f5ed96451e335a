namespace Hyperspace.Actors.Evm;

/// <summary>The one thing that is asked of a secp256k1 library; two libraries must give byte-identical signatures.</summary>
internal interface ISecp256k1
{
    /// <summary>What <c>node.info</c> calls it.</summary>
    string Name { get; }

    /// <summary>True for 32 bytes that are a private key: 1 to n − 1.</summary>
    bool IsPrivateKey(ReadOnlySpan<byte> privateKey);

    /// <summary>The 20-byte address of a private key: the last 20 bytes of keccak256 over its uncompressed point without prefix.</summary>
    byte[] AddressOf(ReadOnlySpan<byte> privateKey);

    /// <summary>Signs a 32-byte digest: 65 bytes <c>r ‖ s ‖ v</c>, deterministic (RFC 6979, SHA-256), low s, v 27 or 28.</summary>
    byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest);

    /// <summary>
    /// Writes the address whose key signed the 32-byte digest into the 20 bytes of <paramref name="address"/>; false when
    /// the signature is not <see cref="SignatureRules">strict</see>, or fits no key.
    /// </summary>
    bool TryRecoverAddress(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, Span<byte> address);
}

/// <summary>What is the same whatever the library.</summary>
internal static class Secp256k1Extensions
{
    /// <summary>The 20-byte address whose key signed the 32-byte digest; null when the signature is refused.</summary>
    public static byte[]? RecoverAddress(this ISecp256k1 library, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        var address = new byte[Secp256k1.AddressSize];
        return library.TryRecoverAddress(digest, signature, address) ? address : null;
    }

    /// <summary>True when the key of the 20-byte address signed the 32-byte digest, and the signature has its one strict form.</summary>
    public static bool IsSignedBy(this ISecp256k1 library, ReadOnlySpan<byte> address, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        Span<byte> signer = stackalloc byte[Secp256k1.AddressSize];
        return library.TryRecoverAddress(digest, signature, signer) && signer.SequenceEqual(address);
    }
}
