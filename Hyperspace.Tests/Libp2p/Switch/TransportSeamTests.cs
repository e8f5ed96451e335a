using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.Switch;

/// <summary>Transports that are added to a switch, addresses that change while it runs, and connections that a relay limits.</summary>
public class TransportSeamTests
{
    private static readonly Multiaddr Memory = Multiaddr.Parse("/ip4/127.0.0.1/udp/4001");
    private static readonly Multiaddr Circuit = Multiaddr.Parse("/ip4/127.0.0.1/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit");

    private readonly MemoryTransport.Network _network = new();

    [Fact]
    public async Task A_transport_that_is_added_carries_connections()
    {
        await using var alice = await StartAsync();
        await using var bob = await StartAsync();
        await bob.Switch.ListenAsync(Memory);
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(Memory.WithPeer(bob.PeerId)));
        Assert.Equal([1, 2, 3], await alice.EchoAsync(bob.PeerId, [1, 2, 3]));
        Assert.Equal([4], await bob.EchoAsync(alice.PeerId, [4]));
        Assert.Equal(Memory, alice.Switch.RemoteAddressOf(bob.PeerId));
    }

    [Fact]
    public async Task Connected_peers_are_told_when_addresses_come_and_go()
    {
        await using var alice = await StartAsync();
        await using var bob = await StartAsync();
        await alice.Switch.DialAsync(bob.Address);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        await alice.UntilIdentifiedAsync(bob.PeerId);

        var listener = await bob.Switch.ListenAsync(Memory);
        await Eventually.TrueAsync(() => alice.Switch.Find(bob.PeerId)!.Addresses.Contains(Memory));
        var outside = Multiaddr.Parse("/ip4/203.0.113.7/tcp/4001");
        bob.Switch.Announce([outside]);
        await Eventually.TrueAsync(() => alice.Switch.Find(bob.PeerId)!.Addresses.Contains(outside));
        Assert.Equal([bob.Address.WithoutPeer(), Memory, outside], bob.Switch.ListenAddresses);

        await listener.DisposeAsync();
        await Eventually.TrueAsync(() => !bob.Switch.ListenAddresses.Contains(Memory));
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(Memory));
    }

    [Fact]
    public async Task A_limited_connection_carries_only_what_asks_for_it_and_does_not_count_as_connected()
    {
        await using var alice = await StartAsync(listen: false);
        await using var bob = await StartAsync(listen: false);
        bob.Switch.Handle("/frugal/1", TestSwitch.EchoAsync, 8, runOnLimited: true);
        await bob.Switch.ListenAsync(Circuit);
        var identified = new TaskCompletionSource();
        alice.Switch.ConnectionIdentified += (connection, _) => identified.TrySetResult();
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(Circuit.WithPeer(bob.PeerId)));
        Assert.True(Assert.Single(alice.Switch.ConnectionsOf(bob.PeerId)).Limited);
        await identified.Task.WaitAsync(TestSwitch.Patience);
        await Eventually.TrueAsync(() => bob.Switch.Find(alice.PeerId) is { Protocols.Count: > 0 });

        Assert.True(await alice.Ping.PingAsync(bob.PeerId) > TimeSpan.Zero);
        Assert.True(await bob.Ping.PingAsync(alice.PeerId) > TimeSpan.Zero);
        await using (var frugal = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/frugal/1"], runOnLimited: true))
        {
            Assert.Equal("/frugal/1", frugal.Protocol);
        }

        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(bob.PeerId, [TestSwitch.Echo]));
        var refused = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(bob.PeerId, [TestSwitch.Echo], runOnLimited: true));
        Assert.DoesNotContain("relay", refused.Message, StringComparison.Ordinal);
        Assert.Empty(alice.Switch.ConnectedPeers);
        Assert.Empty(alice.News);
        Assert.Empty(bob.News);
        Assert.Single(alice.Switch.ConnectionsOf(bob.PeerId));
    }

    [Fact]
    public async Task A_direct_connection_besides_a_limited_one_is_preferred_and_announced()
    {
        await using var alice = await StartAsync();
        await using var bob = await StartAsync();
        await bob.Switch.ListenAsync(Circuit);
        await alice.Switch.DialAsync(Circuit.WithPeer(bob.PeerId));
        await alice.Switch.DialAsync(bob.Address);
        await alice.UntilIdentifiedAsync(bob.PeerId);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        Assert.Equal(2, alice.Switch.ConnectionsOf(bob.PeerId).Count);
        Assert.Equal([5], await alice.EchoAsync(bob.PeerId, [5]));
        Assert.Equal([6], await bob.EchoAsync(alice.PeerId, [6]));

        await alice.Switch.ConnectionsOf(bob.PeerId).Single(c => !c.Limited).CloseAsync();
        await alice.UntilNewsAsync(news => news.Contains($"disconnected {bob.PeerId}"));
        await bob.UntilNewsAsync(news => news.Contains($"disconnected {alice.PeerId}"));
        Assert.True(await alice.Ping.PingAsync(bob.PeerId) > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_peer_that_only_a_relay_leads_to_cannot_be_reached_by_what_does_not_run_over_one()
    {
        await using var alice = await StartAsync();
        await using var bob = await StartAsync(listen: false);
        await bob.Switch.ListenAsync(Circuit);
        alice.Switch.AddAddresses(bob.PeerId, [Circuit]);
        var error = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(bob.PeerId, [TestSwitch.Echo]));
        Assert.Contains("relay", error.Message, StringComparison.Ordinal);
        Assert.True(await alice.Ping.PingAsync(bob.PeerId) > TimeSpan.Zero);
    }

    private async Task<TestSwitch> StartAsync(bool listen = true)
    {
        var peer = await TestSwitch.StartAsync(o => listen ? o : o with { ListenAddresses = [] });
        peer.Switch.Use(new MemoryTransport(_network));
        return peer;
    }
}
