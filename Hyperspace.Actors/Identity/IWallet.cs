namespace Hyperspace.Actors.Identity;

/// <summary>A secp256k1 key that signs 32-byte digests; the private half stays inside.</summary>
public interface IWallet
{
    /// <summary>The 20-byte address.</summary>
    ReadOnlyMemory<byte> Address { get; }

    /// <summary>The 65-byte signature <c>r ‖ s ‖ v</c> (RFC 6979, low s, v 27 or 28) over a 32-byte digest.</summary>
    byte[] SignDigest(ReadOnlySpan<byte> digest);
}
