using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p;

public class MultiaddrTests
{
    // RFC 8032 test 1's seed.
    private static readonly byte[] Seed = Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/4001", "047f000001060fa1")]
    [InlineData("/ip6/::1/tcp/80/ws", "29000000000000000000000000000000010600 50dd03")]
    [InlineData("/dns4/example.org/tcp/443/wss", "360b6578616d706c652e6f7267 0601bb de03")]
    public void Text_and_binary_forms_are_each_others_inverse(string text, string hex)
    {
        var address = Multiaddr.Parse(text);
        Assert.Equal(hex.Replace(" ", "", StringComparison.Ordinal), Convert.ToHexStringLower(address.Bytes.Span));
        Assert.Equal(text, Multiaddr.FromBytes(address.Bytes.Span).ToString());
    }

    [Fact]
    public void A_peer_component_carries_the_peer_id()
    {
        using var keys = KeyPair.FromSeed(Seed);
        var address = Multiaddr.Parse("/ip4/127.0.0.1/tcp/1").WithPeer(keys.PeerId);
        Assert.Equal(keys.PeerId, address.PeerId);
        Assert.Equal(keys.PeerId, Multiaddr.FromBytes(address.Bytes.Span).PeerId);
        Assert.Equal("/ip4/127.0.0.1/tcp/1", address.WithoutPeer().ToString());
        Assert.StartsWith("12D3KooW", keys.PeerId.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("ip4/127.0.0.1")]
    [InlineData("/ip4/127.0.0.300/tcp/1")]
    [InlineData("/ip4/127.0.0.1/tcp/70000")]
    [InlineData("/ip4/127.0.0.1/tcp")]
    [InlineData("/onion/abc")]
    [InlineData("/p2p/notapeer")]
    public void Bad_text_is_a_format_error(string text) => Assert.Throws<FormatException>(() => Multiaddr.Parse(text));

    [Fact]
    public void Random_bytes_give_an_address_or_a_format_error()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(0, 64)];
            random.NextBytes(bytes);
            try
            {
                var address = Multiaddr.FromBytes(bytes);
                Assert.Equal(address, Multiaddr.FromBytes(Multiaddr.Parse(address.ToString()).Bytes.Span));
            }
            catch (FormatException)
            {
                // The one error that a decoder may raise.
            }
        }
    }
}
