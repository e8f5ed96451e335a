using Org.BouncyCastle.Crypto.Digests;

namespace Hyperspace.Actors.Evm;

/// <summary>Keccak-256 as the EVM uses it (the padding from before FIPS 202, so not SHA3-256).</summary>
internal static class Keccak256
{
    /// <summary>Length of a hash, in bytes.</summary>
    public const int Size = 32;

    /// <summary>The 32-byte hash of <paramref name="data"/>.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> data)
    {
        var digest = new KeccakDigest(256);
        digest.BlockUpdate(data);
        var hash = new byte[Size];
        digest.DoFinal(hash, 0);
        return hash;
    }
}
