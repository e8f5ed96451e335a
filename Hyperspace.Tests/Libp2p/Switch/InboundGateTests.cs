using System.Net;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Switch;

public class InboundGateTests
{
    private static readonly InboundLimits Plenty = new(1000, 1000);
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress There = IPAddress.Parse("192.0.2.2");

    [Fact]
    public void A_burst_of_twice_the_rate_passes_and_then_the_rate_holds()
    {
        var time = new FakeTimeProvider();
        var gate = new InboundGate(new InboundLimits(5, 100), Plenty, time);
        Assert.Equal(10, Enumerable.Range(0, 30).Count(_ => gate.TryEnter(null)));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, Enumerable.Range(0, 30).Count(_ => gate.TryEnter(null)));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(10, Enumerable.Range(0, 30).Count(_ => gate.TryEnter(Here)));
    }

    [Fact]
    public void Only_so_many_upgrades_run_at_once()
    {
        var gate = new InboundGate(new InboundLimits(100, 2), Plenty, new FakeTimeProvider());
        Assert.True(gate.TryEnter(Here));
        Assert.True(gate.TryEnter(null));
        Assert.False(gate.TryEnter(There));
        gate.Leave(Here);
        Assert.True(gate.TryEnter(There));
    }

    [Fact]
    public void One_address_that_uses_up_its_share_takes_nothing_from_the_others()
    {
        var time = new FakeTimeProvider();
        var gate = new InboundGate(new InboundLimits(100, 10), new InboundLimits(5, 3), time);
        Assert.Equal(3, Enumerable.Range(0, 1000).Count(_ => gate.TryEnter(Here)));
        Assert.Equal(3, Enumerable.Range(0, 1000).Count(_ => gate.TryEnter(There)));
        gate.Leave(Here);
        Assert.True(gate.TryEnter(Here));

        // Its rate holds as well, though none is being upgraded.
        var taken = 0;
        for (var i = 0; i < 100; i++)
        {
            gate.Leave(Here);
            taken += gate.TryEnter(Here) ? 1 : 0;
            if (taken == i)
            {
                break;
            }
        }

        Assert.Equal(6, taken);
    }

    [Fact]
    public void Addresses_that_have_been_quiet_are_not_kept()
    {
        var time = new FakeTimeProvider();
        var gate = new InboundGate(new InboundLimits(100, 100), new InboundLimits(5, 3), time);
        for (var i = 0; i < 20_000; i++)
        {
            var from = new IPAddress([10, 0, (byte)(i / 256), (byte)i]);
            Assert.True(gate.TryEnter(from));
            gate.Leave(from);
            time.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.InRange(gate.Tracked, 1, 1024);
    }

    [Theory]
    [InlineData("/ip4/192.0.2.7/tcp/1", "192.0.2.7")]
    [InlineData("/ip6/::ffff:192.0.2.7/tcp/1/ws", "192.0.2.7")]
    [InlineData("/ip6/2001:db8:1:2:3:4:5:6/tcp/1", "2001:db8:1:2::")]
    [InlineData("/dns4/example.org/tcp/1", null)]
    [InlineData("/ip4/192.0.2.7/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit", null)]
    public void Hosts_count_by_ipv4_address_and_by_ipv6_network(string address, string? group) =>
        Assert.Equal(group is null ? null : IPAddress.Parse(group), IpGroup.Of(Multiaddr.Parse(address)));
}
