using Hyperspace.Actors.Identity;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Identity;

/// <summary>Fixed keys, and the frozen bytes that were made with them: a change here breaks every peer that is out there.</summary>
internal static class GoldenKeys
{
    // RFC 8032 test 1's seed.
    public static KeyPair Keys { get; } = KeyPair.FromSeed(Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));

    public static Secp256k1Wallet Wallet { get; } = Secp256k1Wallet.FromPrivateKey(Convert.FromHexString("4646464646464646464646464646464646464646464646464646464646464646"));

    /// <summary>The envelope of <see cref="SignedEnvelopeTests"/>.</summary>
    public const string Envelope = "08011215687970657273706163652e7472616a6563746f72791a107768617420776173206c6561726e6564222408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a2880b883a1f7323007388095dfa2f7327a40e27386efdd3e3fd672701ecf45fdce9c8a4efa498868cace0cfda87aec2098c895273691d25a3daab081937cfb71ad710d6a0a66688927e2b5e7c4ac6b184c0e";

    /// <summary>Its id.</summary>
    public const string EnvelopeId = "d83048ab133fab493a5ee4371c4863638da48fb39673f4c53c7eae9b349e963d";

    /// <summary>The binding of <see cref="IdentityBindingsTests"/>.</summary>
    public const string Binding = "0a2408011220d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a12149d8a62f656a8d1615c1294fd71e9cfb3e4855a4f18fbb883a1f732224055c07eecc54ae367ea3f8ceb36651a5d26e86b07d71e9f9f6ef68df7404ff87eef8335ac817fbc08ba962563916f5b2ae86e842f51a6e7ac01c968aa881787012a419375c8af6fdfa169de4c0a580beb54b1f4bd83aea7c902c284bca081ba42a3626dafa283e05c918001d88e06f793b1443667e9be6d3c99ecd930ae32ba3781ae1b";

    /// <summary>Every variant of <paramref name="bytes"/> with one bit flipped.</summary>
    public static IEnumerable<byte[]> EachBitFlipped(byte[] bytes)
    {
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = (byte[])bytes.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return flipped;
        }
    }
}
