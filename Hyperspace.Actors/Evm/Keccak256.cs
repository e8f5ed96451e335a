using Org.BouncyCastle.Crypto.Digests;

namespace Hyperspace.Actors.Evm;

/// <summary>Keccak-256 as the EVM uses it (the padding from before FIPS 202, so not SHA3-256).</summary>
internal static class Keccak256
{
    /// <summary>Length of a hash, in bytes.</summary>
    public const int Size = 32;

    // One per thread, as it is reset by each hash: hashing then allocates nothing.
    [ThreadStatic]
    private static KeccakDigest? _digest;

    /// <summary>The 32-byte hash of <paramref name="data"/>.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> data)
    {
        var hash = new byte[Size];
        Hash(data, hash);
        return hash;
    }

    /// <summary>Writes the 32-byte hash of <paramref name="data"/> to <paramref name="hash"/>; the two may overlap.</summary>
    public static void Hash(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        var digest = _digest ??= new KeccakDigest(256);
        digest.BlockUpdate(data);
        digest.DoFinal(hash);
    }
}
