using FsCheck.Xunit;
using Hyperspace.Actors.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Transport;

public class RememberedPeersTests
{
    private static readonly IReadOnlySet<PeerId> Nobody = new HashSet<PeerId>();

    [Fact]
    public void What_is_written_is_read_again_and_the_latest_come_first()
    {
        var (a, b) = (Address(1), Address(2));
        var peers = RememberedPeers.None.Connected([a]).Connected([b]);
        Assert.Equal([b, a], RememberedPeers.Parse(peers.ToText()).Addresses);
        Assert.Equal([b, a], RememberedPeers.Parse(peers.ToText()).ToDial(Nobody));
    }

    [Fact]
    public void Only_the_latest_32_are_kept_each_with_its_latest_address()
    {
        var many = Enumerable.Range(1, RememberedPeers.Max + 8).Select(Address).ToList();
        var peers = many.Aggregate(RememberedPeers.None, (known, address) => known.Connected([address]));
        Assert.Equal(many.AsEnumerable().Reverse().Take(RememberedPeers.Max), peers.Addresses);

        var moved = Multiaddr.Parse("/ip4/127.0.0.1/tcp/9").WithPeer(many[^1].PeerId!);
        Assert.Equal(moved, peers.Connected([moved]).Addresses.First());
        Assert.Equal(RememberedPeers.Max, peers.Connected([moved]).Addresses.Count());
    }

    [Fact]
    public void Damaged_lines_are_passed_over()
    {
        var good = Address(1);
        var text = $"rubbish\n{new string('x', 4000)}\n/ip4/127.0.0.1/tcp/4001\n{good}\n\0\uFFFD\n{good}\r\n/ip4/1.2.3.4/tcp/1/p2p/nobody";
        Assert.Equal([good], RememberedPeers.Parse(text).Addresses);
    }

    [Property]
    public void Any_text_is_read_without_an_error_and_within_bounds(string?[] lines) =>
        Assert.InRange(RememberedPeers.Parse(string.Join('\n', lines)).Addresses.Count(), 0, RememberedPeers.Max);

    [Fact]
    public void One_that_cannot_be_dialled_is_left_in_peace_and_forgotten_only_if_others_are_reached()
    {
        var (gone, other) = (Address(1), Address(2));
        var peers = RememberedPeers.Parse(gone.ToString());
        for (var i = 0; i < RememberedPeers.MaxFailures; i++)
        {
            Assert.Equal([gone], peers.ToDial(Nobody));
            peers = peers.Failed(gone);
        }

        Assert.Empty(peers.ToDial(Nobody));
        Assert.Equal([gone], peers.Connected([]).Addresses);
        Assert.Equal([other], peers.Connected([other]).Addresses);
    }

    [Fact]
    public void Those_that_are_connected_or_were_reached_are_not_dialled()
    {
        var (a, b) = (Address(1), Address(2));
        var peers = RememberedPeers.Parse($"{a}\n{b}");
        Assert.Equal([b], peers.ToDial(new HashSet<PeerId> { a.PeerId! }));
        Assert.Equal([b], peers.Connected([a]).ToDial(Nobody));
    }

    private static Multiaddr Address(int port) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}").WithPeer(KeyPair.Generate().PeerId);
}
