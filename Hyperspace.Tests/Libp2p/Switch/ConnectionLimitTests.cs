using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.Switch;

/// <summary>Limits, trimming, back-off, races and simultaneous dials with real sockets.</summary>
public class ConnectionLimitTests
{
    [Fact]
    public async Task Silent_sockets_of_one_address_keep_nobody_else_out()
    {
        // 127.0.0.1 counts here, 127.0.0.2 stands for anybody else.
        await using var bob = await TestSwitch.StartAsync(o => o with
        {
            ListenAddresses = [Multiaddr.Parse("/ip4/0.0.0.0/tcp/0")],
            ExemptNetworks = [],
            MaxInboundUpgrades = 6,
            MaxInboundUpgradesPerIp = 3,
        });
        var port = Port(bob);
        var silent = new List<Socket>();
        for (var i = 0; i < 10; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            silent.Add(socket);
        }

        // Those past the limit are closed at once.
        await Eventually.TrueAsync(() => silent.Count(IsClosed) == 7);
        await using var alice = await TestSwitch.StartAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}")));
        await using var stranger = new NetworkStream(await ConnectFromAsync("127.0.0.2", port), ownsSocket: true);
        var header = "\u0013/multistream/1.0.0\n"u8.ToArray();
        await stranger.WriteAsync(header);
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        await stranger.ReadExactlyAsync(new byte[header.Length], timeout.Token);

        silent.ForEach(s => s.Dispose());
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await alice.Switch.DialAsync(Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}"));
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        });
    }

    [Fact]
    public async Task One_address_has_only_so_many_connections_and_an_exempt_network_more()
    {
        await using var strict = await TestSwitch.StartAsync(o => o with { ExemptNetworks = [], MaxConnectionsPerIp = 2 });
        await using var lenient = await TestSwitch.StartAsync(o => o with { MaxConnectionsPerIp = 2 });
        await using var dialer = await TestSwitch.StartAsync();
        var others = new List<TestSwitch>();
        for (var i = 0; i < 3; i++)
        {
            others.Add(await TestSwitch.StartAsync());
            await others[i].Switch.DialAsync(lenient.Address);
        }

        await Eventually.TrueAsync(() => lenient.Switch.ConnectedPeers.Count == 3);
        await others[0].Switch.DialAsync(strict.Address);
        await others[1].Switch.DialAsync(strict.Address);
        await Eventually.TrueAsync(() => strict.Switch.ConnectedPeers.Count == 2);
        await Assert.ThrowsAnyAsync<IOException>(() => others[2].Switch.DialAsync(strict.Address));

        // What this peer dials itself does not count.
        await strict.Switch.DialAsync(dialer.Address);
        Assert.Equal(3, strict.Switch.ConnectedPeers.Count);
        await others[0].Switch.DisconnectAsync(strict.PeerId);
        await Eventually.TrueAsync(() => strict.Switch.ConnectedPeers.Count == 2);
        await others[2].Switch.DialAsync(strict.Address);
        foreach (var other in others)
        {
            await other.DisposeAsync();
        }
    }

    [Fact]
    public async Task Too_many_connections_are_trimmed_but_not_those_that_are_needed()
    {
        await using var hub = await TestSwitch.StartAsync(o => o with
        {
            HighWater = 4,
            LowWater = 2,
            ConnectionGrace = TimeSpan.Zero,
            TrimInterval = TimeSpan.FromMilliseconds(20),
        });
        var peers = new List<TestSwitch>();
        for (var i = 0; i < 6; i++)
        {
            peers.Add(await TestSwitch.StartAsync());
        }

        hub.Switch.Protect(peers[0].PeerId, "test", true);
        hub.Switch.Tag(peers[1].PeerId, "test", 10);
        foreach (var peer in peers)
        {
            await peer.Switch.DialAsync(hub.Address);
        }

        await Eventually.TrueAsync(() => hub.Switch.ConnectedPeers.Count <= 4);
        Assert.Contains(peers[0].PeerId, hub.Switch.ConnectedPeers);
        Assert.Contains(peers[1].PeerId, hub.Switch.ConnectedPeers);
        foreach (var peer in peers)
        {
            await peer.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_address_that_failed_is_left_alone_for_a_while_unless_it_is_dialed_by_hand()
    {
        await using var alice = await TestSwitch.StartAsync(o => o with { DialBackoff = TimeSpan.FromHours(1), MaxDialBackoff = TimeSpan.FromHours(1) });
        var bob = await TestSwitch.StartAsync();
        var (address, id) = (bob.Address, bob.PeerId);
        await bob.DisposeAsync();
        alice.Switch.AddAddresses(id, [address]);
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(id, [TestSwitch.Echo]));
        var waiting = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(id, [TestSwitch.Echo]));
        Assert.Contains("next try is due", waiting.Message, StringComparison.Ordinal);
        var dialed = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(address));
        Assert.DoesNotContain("next try is due", dialed.Message, StringComparison.Ordinal);

        // An address that has not failed is tried all the same.
        await using var carol = await TestSwitch.StartAsync();
        alice.Switch.AddAddresses(carol.PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1"), carol.Address]);
        Assert.Equal([1], await alice.EchoAsync(carol.PeerId, [1]));
    }

    [Fact]
    public async Task An_address_that_never_answers_does_not_hold_up_the_others()
    {
        using var deaf = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        deaf.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        deaf.Listen();
        await using var alice = await TestSwitch.StartAsync(o => o with { ConnectTimeout = TimeSpan.FromMinutes(5), UpgradeTimeout = TimeSpan.FromMinutes(5) });
        await using var bob = await TestSwitch.StartAsync();
        alice.Switch.AddAddresses(bob.PeerId, [Multiaddr.FromTcp((IPEndPoint)deaf.LocalEndPoint!), bob.Address]);
        Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
        Assert.Equal(bob.Address.WithoutPeer(), Assert.Single(alice.Switch.ConnectionsOf(bob.PeerId)).RemoteAddress);
    }

    [Fact]
    public async Task Only_so_many_dials_run_at_once()
    {
        var network = new MemoryTransport.Network();
        var (running, most) = (0, 0);
        var held = new TaskCompletionSource();
        network.OnDial = async (_, token) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await held.Task.WaitAsync(token);
            Interlocked.Decrement(ref running);
        };
        await using var alice = await TestSwitch.StartAsync(o => o with { MaxDials = 3 });
        alice.Switch.Use(new MemoryTransport(network));
        var dials = Enumerable.Range(1, 20).Select(i => alice.Switch.DialAsync(Multiaddr.Parse($"/ip4/127.0.0.1/udp/{i}"))).ToArray();
        await Eventually.TrueAsync(() => Volatile.Read(ref running) == 3);
        held.SetResult();
        foreach (var dial in dials)
        {
            await Assert.ThrowsAnyAsync<IOException>(() => dial);
        }

        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_dial_after_a_disconnect_never_gets_the_connection_that_ended()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        for (var i = 0; i < 50; i++)
        {
            await alice.Switch.DialAsync(bob.Address);
            var closing = alice.Switch.DisconnectAsync(bob.PeerId);
            await alice.Switch.DialAsync(bob.Address);
            Assert.Contains(alice.Switch.ConnectionsOf(bob.PeerId), c => c.IsUsable);
            await closing;
            Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
            await alice.Switch.DisconnectAsync(bob.PeerId);
        }
    }

    [Fact]
    public async Task Both_dialing_at_once_a_hundred_times_always_leaves_peers_that_reach_each_other()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        for (var i = 0; i < 100; i++)
        {
            await Task.WhenAll(alice.Switch.DialAsync(bob.Address), bob.Switch.DialAsync(alice.Address));
            Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
            Assert.Equal([2], await bob.EchoAsync(alice.PeerId, [2]));
            Assert.InRange(alice.Switch.ConnectionsOf(bob.PeerId).Count, 1, 2);
            await Task.WhenAll(alice.Switch.DisconnectAsync(bob.PeerId), bob.Switch.DisconnectAsync(alice.PeerId));
            await Eventually.TrueAsync(() => alice.Switch.ConnectionsOf(bob.PeerId).Count == 0 && bob.Switch.ConnectionsOf(alice.PeerId).Count == 0);
        }
    }

    [Fact]
    public async Task Dials_that_cross_on_the_way_leave_two_connections_and_each_alone_suffices()
    {
        var network = new MemoryTransport.Network();
        var arrived = 0;
        var crossed = new TaskCompletionSource();
        network.OnDial = (_, token) =>
        {
            if (Interlocked.Increment(ref arrived) == 2)
            {
                crossed.SetResult();
            }

            return crossed.Task.WaitAsync(token);
        };
        await using var alice = await TestSwitch.StartAsync(o => o with { ListenAddresses = [] });
        await using var bob = await TestSwitch.StartAsync(o => o with { ListenAddresses = [] });
        var (toAlice, toBob) = (Multiaddr.Parse("/ip4/127.0.0.1/udp/1"), Multiaddr.Parse("/ip4/127.0.0.1/udp/2"));
        foreach (var (peer, address) in ((TestSwitch, Multiaddr)[])[(alice, toAlice), (bob, toBob)])
        {
            peer.Switch.Use(new MemoryTransport(network));
            await peer.Switch.ListenAsync(address);
        }

        await Task.WhenAll(alice.Switch.DialAsync(toBob.WithPeer(bob.PeerId)), bob.Switch.DialAsync(toAlice.WithPeer(alice.PeerId)));
        await Eventually.TrueAsync(() => alice.Switch.ConnectionsOf(bob.PeerId).Count == 2 && bob.Switch.ConnectionsOf(alice.PeerId).Count == 2);
        await alice.UntilIdentifiedAsync(bob.PeerId);
        await alice.Switch.ConnectionsOf(bob.PeerId)[0].CloseAsync();
        await Eventually.TrueAsync(() => alice.Switch.ConnectionsOf(bob.PeerId).Count == 1 && bob.Switch.ConnectionsOf(alice.PeerId).Count == 1);
        Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
        Assert.Equal([2], await bob.EchoAsync(alice.PeerId, [2]));
        Assert.DoesNotContain(alice.News, n => n.StartsWith("disconnected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_peer_that_does_not_identify_itself_is_reported_with_what_is_known_and_updated_when_it_does()
    {
        await using var alice = await TestSwitch.StartAsync(o => o with { IdentifyTimeout = TimeSpan.FromMilliseconds(200) });
        await using var bob = await TestSwitch.StartAsync();
        bob.Switch.Handle("/ipfs/id/1.0.0", (_, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken));
        await alice.Switch.DialAsync(bob.Address);
        await alice.UntilIdentifiedAsync(bob.PeerId);
        Assert.Empty(alice.Switch.Find(bob.PeerId)!.Protocols);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        bob.Switch.Handle("/late/1", TestSwitch.EchoAsync);
        await alice.UntilNewsAsync(news => news.Contains($"updated {bob.PeerId}"));
        Assert.Contains("/late/1", alice.Switch.Find(bob.PeerId)!.Protocols);
    }

    private static int Port(TestSwitch peer) => int.Parse(peer.Address.ValueOf("tcp")!, System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<Socket> ConnectFromAsync(string local, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(local), 0));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse("127.0.0.1"), port));
        return socket;
    }

    private static bool IsClosed(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
}
