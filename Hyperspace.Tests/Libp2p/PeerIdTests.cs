using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using SimpleBase;

namespace Hyperspace.Tests.Libp2p;

public class PeerIdTests
{
    [Property(MaxTest = 50)]
    public bool Bytes_text_and_key_of_an_id_lead_back_to_it(int seed)
    {
        using var keys = KeyPair.FromSeed([.. BitConverter.GetBytes(seed), .. new byte[28]]);
        var id = keys.PeerId;
        var read = PeerId.FromBytes(id.Bytes.Span);
        var parsed = PeerId.Parse(id.ToString());
        var cid = PeerId.Parse("b" + Base32.Rfc4648.Encode([1, 0x72, .. id.Bytes.Span]).TrimEnd('=').ToLowerInvariant());
        return read == id && parsed == id && cid == id
            && read.GetHashCode() == id.GetHashCode()
            && read.ToString() == id.ToString() && cid.ToString() == id.ToString()
            && read.PublicKey.Equals(keys.PublicKey) && read.PublicKey.PeerId == id
            && read.CompareTo(id) == 0;
    }

    [Property(MaxTest = 200)]
    public bool Only_38_bytes_that_carry_an_ed25519_key_are_an_id(byte position, byte value)
    {
        using var keys = KeyPair.FromSeed(new byte[32]);
        var bytes = keys.PeerId.Bytes.ToArray();
        bytes[position % 6] = value;
        return bytes.AsSpan().SequenceEqual(keys.PeerId.Bytes.Span) == Reads(bytes)
            && !Reads(bytes.AsSpan(0, 37)) && !Reads([.. bytes, 0]) && !Reads([]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12D3KooW")]
    [InlineData("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")]
    [InlineData("12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ0")]
    [InlineData("bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3")]
    public void A_wrong_text_is_refused_where_it_is_read(string text)
    {
        Assert.Throws<FormatException>(() => PeerId.Parse(text));
        Assert.False(PeerId.TryParse(text, out _));
    }

    private static bool Reads(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return PeerId.FromBytes(bytes).Bytes.Span.SequenceEqual(bytes);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
