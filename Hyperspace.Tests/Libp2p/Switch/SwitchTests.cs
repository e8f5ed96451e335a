using System.Net;
using System.Net.Sockets;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.Switch;

public class SwitchTests
{
    [Fact]
    public async Task Two_peers_dial_identify_and_ping_each_other()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(bob.Address));
        await alice.UntilIdentifiedAsync(bob.PeerId);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        Assert.Contains(TestSwitch.Echo, bob.Switch.Find(alice.PeerId)!.Protocols);
        Assert.Contains(alice.Switch.ListenAddresses[0], bob.Switch.Find(alice.PeerId)!.Addresses);
        Assert.True(await alice.Ping.PingAsync(bob.PeerId) > TimeSpan.Zero);
        Assert.True(await bob.Ping.PingAsync(alice.PeerId) > TimeSpan.Zero);
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(bob.Address));
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(bob.Address.WithoutPeer()));
        Assert.Single(alice.Switch.ConnectionsOf(bob.PeerId));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65_507)]
    [InlineData(20_000_000)]
    public async Task Bodies_of_any_size_come_back_whole(int length)
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        await alice.Switch.DialAsync(bob.Address);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        var data = Bytes(length);
        Assert.Equal(data, await alice.EchoAsync(bob.PeerId, data));
        Assert.Equal(data, await bob.EchoAsync(alice.PeerId, data));
    }

    [Fact]
    public async Task Hundreds_of_streams_at_once_each_get_their_own_bytes()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        await alice.Switch.DialAsync(bob.Address);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        await Task.WhenAll(Enumerable.Range(0, 400).Select(async i =>
        {
            var data = Bytes(10_000 + i);
            Assert.Equal(data, await (i % 2 == 0 ? alice.EchoAsync(bob.PeerId, data) : bob.EchoAsync(alice.PeerId, data)));
        }));
        await Eventually.TrueAsync(() => alice.Switch.ConnectionsOf(bob.PeerId)[0].StreamCount == 0 && bob.Switch.ConnectionsOf(alice.PeerId)[0].StreamCount == 0);
    }

    [Fact]
    public async Task A_reader_that_pauses_stops_the_writer_but_no_other_stream()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        var read = new TaskCompletionSource();
        var total = new TaskCompletionSource<int>();
        bob.Switch.Handle("/slow/1", async (stream, cancellationToken) =>
        {
            await read.Task.WaitAsync(cancellationToken);
            total.SetResult((await stream.ReadToEndAsync(cancellationToken)).Length);
        });
        await alice.Switch.DialAsync(bob.Address);
        await using var slow = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/slow/1"]);
        var accepted = 0;
        var stalled = new TaskCompletionSource();
        var writing = Task.Run(async () =>
        {
            var piece = new byte[16 * 1024];
            for (var i = 0; i < 256; i++)
            {
                var write = slow.WriteAsync(piece);
                if (!write.IsCompleted && accepted >= 200 * 1024)
                {
                    stalled.TrySetResult();
                }

                await write;
                accepted += piece.Length;
            }

            await slow.CloseWriteAsync();
        });
        await stalled.Task.WaitAsync(TestSwitch.Patience);

        var data = Bytes(500_000);
        Assert.Equal(data, await alice.EchoAsync(bob.PeerId, data));
        Assert.False(writing.IsCompleted);
        Assert.InRange(accepted, 0, 256 * 1024);

        read.SetResult();
        await writing.WaitAsync(TestSwitch.Patience);
        Assert.Equal(256 * 16 * 1024, await total.Task.WaitAsync(TestSwitch.Patience));
    }

    [Fact]
    public async Task A_cancelled_write_leaves_the_connection_usable()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        bob.Switch.Handle("/deaf/1", (_, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken));
        await alice.Switch.DialAsync(bob.Address);
        await using var deaf = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/deaf/1"]);
        using var cancel = new CancellationTokenSource();
        var write = deaf.WriteAsync(new byte[1_000_000], cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        var data = Bytes(1_000_000);
        Assert.Equal(data, await alice.EchoAsync(bob.PeerId, data));
    }

    [Fact]
    public async Task A_reset_is_seen_at_the_other_end_after_the_bytes_before_it()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        var outcome = new TaskCompletionSource<(int Bytes, Exception? Error)>();
        bob.Switch.Handle("/reset/1", async (stream, cancellationToken) =>
        {
            var buffer = new byte[100];
            var count = await stream.ReadAsync(buffer, cancellationToken);
            try
            {
                while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var more)
                {
                    count += more;
                }

                outcome.SetResult((count, null));
            }
            catch (IOException e)
            {
                outcome.SetResult((count, e));
                throw;
            }
        });
        await alice.Switch.DialAsync(bob.Address);
        var stream = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/reset/1"]);
        await stream.WriteAsync(new byte[42]);
        stream.Reset();
        stream.Reset();
        var (bytes, error) = await outcome.Task.WaitAsync(TestSwitch.Patience);
        Assert.Equal(42, bytes);
        Assert.NotNull(error);
        await Assert.ThrowsAnyAsync<IOException>(() => stream.WriteAsync(new byte[1]).AsTask());
        await Assert.ThrowsAnyAsync<IOException>(() => stream.ReadAsync(new byte[1]).AsTask());
        Assert.Single(alice.Switch.ConnectedPeers);
    }

    [Fact]
    public async Task A_handler_that_fails_resets_its_stream_only()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        bob.Switch.Handle("/bug/1", (_, _) => throw new InvalidOperationException("a bug"));
        await alice.Switch.DialAsync(bob.Address);
        await using var stream = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/bug/1"]);
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        await Assert.ThrowsAnyAsync<IOException>(() => stream.ReadAsync(new byte[1], timeout.Token).AsTask());
        Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
    }

    [Fact]
    public async Task Streams_of_a_protocol_past_its_limit_per_peer_are_reset()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        bob.Switch.Handle("/two/1", async (stream, cancellationToken) =>
        {
            await stream.WriteAsync(new byte[1], cancellationToken);
            await stream.ReadToEndAsync(cancellationToken);
        }, maxInboundPerPeer: 2);
        await alice.Switch.DialAsync(bob.Address);
        var buffer = new byte[1];
        await using var first = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/two/1"]);
        Assert.Equal(1, await first.ReadAsync(buffer));
        await using var second = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/two/1"]);
        Assert.Equal(1, await second.ReadAsync(buffer));
        await using var third = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/two/1"]);
        await Assert.ThrowsAnyAsync<IOException>(() => third.ReadAsync(buffer).AsTask());

        await first.CloseWriteAsync();
        Assert.Equal(0, await first.ReadAsync(buffer));
        await Eventually.TrueAsync(() => bob.Switch.ConnectionsOf(alice.PeerId)[0].StreamCount == 1);
        await using var fourth = await alice.Switch.OpenStreamAsync(bob.PeerId, ["/two/1"]);
        Assert.Equal(1, await fourth.ReadAsync(buffer));
    }

    [Fact]
    public async Task Another_peer_than_named_is_refused_and_so_is_dialing_oneself()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        using var other = KeyPair.Generate();
        var error = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(bob.Address.WithoutPeer().WithPeer(other.PeerId)));
        Assert.Contains(bob.PeerId.ToString(), error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(alice.Address));
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(alice.Address.WithoutPeer()));
        Assert.Empty(alice.Switch.ConnectedPeers);
    }

    [Fact]
    public async Task Nobody_at_the_address_and_no_address_at_all_are_io_errors()
    {
        await using var alice = await TestSwitch.StartAsync();
        using var other = KeyPair.Generate();
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")));
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(Multiaddr.Parse("/ip4/127.0.0.1/udp/1/quic-v1")));
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(other.PeerId, [TestSwitch.Echo]));
        alice.Switch.AddAddresses(other.PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")]);
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(other.PeerId, [TestSwitch.Echo]));
    }

    [Fact]
    public async Task A_stream_to_a_known_address_dials_by_itself_and_by_dns_name()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        alice.Switch.AddAddresses(bob.PeerId, [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1"), bob.Address]);
        var echoes = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => alice.EchoAsync(bob.PeerId, [7])));
        Assert.All(echoes, e => Assert.Equal([7], e));
        Assert.Single(alice.Switch.ConnectionsOf(bob.PeerId));
        await alice.Switch.DisconnectAsync(bob.PeerId);
        await alice.Switch.DialAsync(Multiaddr.Parse($"/dns4/localhost/tcp/{bob.Address.ValueOf("tcp")}/p2p/{bob.PeerId}"));
        Assert.Equal([8], await alice.EchoAsync(bob.PeerId, [8]));
    }

    [Fact]
    public async Task Observers_hear_of_a_peer_once_when_it_comes_and_once_when_its_last_connection_is_gone()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        await Task.WhenAll(alice.Switch.DialAsync(bob.Address), bob.Switch.DialAsync(alice.Address));
        await alice.UntilIdentifiedAsync(bob.PeerId);
        var connections = alice.Switch.ConnectionsOf(bob.PeerId);
        if (connections.Count == 2)
        {
            await connections[0].CloseAsync();
            await Eventually.TrueAsync(() => alice.Switch.ConnectionsOf(bob.PeerId).Count == 1);
            Assert.Equal([5], await alice.EchoAsync(bob.PeerId, [5]));
            Assert.DoesNotContain($"disconnected {bob.PeerId}", alice.News);
        }

        await alice.Switch.DisconnectAsync(bob.PeerId);
        await alice.UntilNewsAsync(news => news.Contains($"disconnected {bob.PeerId}"));
        await alice.Switch.DialAsync(bob.Address);
        await alice.UntilNewsAsync(news => news.Count(n => n == $"identified {bob.PeerId}") == 2);
        var comings = alice.News.Where(n => !n.StartsWith("updated", StringComparison.Ordinal));
        Assert.Equal([$"identified {bob.PeerId}", $"disconnected {bob.PeerId}", $"identified {bob.PeerId}"], comings);

        var late = new List<PeerId>();
        using var registration = alice.Switch.Observe(new LateObserver(late));
        Assert.Equal([bob.PeerId], late);
    }

    [Fact]
    public async Task A_protocol_that_is_offered_no_longer_is_refused_and_the_connected_are_told()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        await alice.Switch.DialAsync(bob.Address);
        await alice.UntilIdentifiedAsync(bob.PeerId);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        Assert.Contains(TestSwitch.Echo, alice.Switch.Find(bob.PeerId)!.Protocols);

        bob.Switch.Unhandle(TestSwitch.Echo);
        await Eventually.TrueAsync(() => !alice.Switch.Find(bob.PeerId)!.Protocols.Contains(TestSwitch.Echo));
        await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.OpenStreamAsync(bob.PeerId, [TestSwitch.Echo]));
    }

    [Fact]
    public async Task A_listener_survives_garbage_silence_and_half_handshakes()
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync(o => o with { UpgradeTimeout = TimeSpan.FromMilliseconds(300) });
        var endpoint = new IPEndPoint(IPAddress.Loopback, int.Parse(bob.Address.ValueOf("tcp")!, System.Globalization.CultureInfo.InvariantCulture));
        var junk = new byte[5000];
        new Random(7).NextBytes(junk);
        byte[][] openings =
        [
            junk,
            Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            [0x13, .. Encoding.ASCII.GetBytes("/multistream/1.0.0\n"), 7, .. Encoding.ASCII.GetBytes("/noise\n"), 0xff, 0xff, .. junk],
            [0x13, .. Encoding.ASCII.GetBytes("/multistream/1.0.0\n"), 7, .. Encoding.ASCII.GetBytes("/noise\n"), 0, 32, .. junk.AsSpan(0, 32)],
            [],
        ];
        foreach (var opening in openings)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(endpoint);
            await socket.SendAsync(opening);
            using var timeout = new CancellationTokenSource(TestSwitch.Patience);
            var buffer = new byte[1024];
            try
            {
                while (await socket.ReceiveAsync(buffer, timeout.Token) > 0)
                {
                }
            }
            catch (SocketException)
            {
                // Closed with a reset: as good an end.
            }
        }

        Assert.Empty(bob.Switch.ConnectedPeers);
        await alice.Switch.DialAsync(bob.Address);
        Assert.Equal([9], await alice.EchoAsync(bob.PeerId, [9]));
    }

    [Fact]
    public async Task Inbound_connections_past_the_rate_or_the_table_are_closed()
    {
        await using var rare = await TestSwitch.StartAsync(o => o with { InboundUpgradesPerSecond = 1 });
        await using var full = await TestSwitch.StartAsync(o => o with { MaxConnections = 1 });
        await using var alice = await TestSwitch.StartAsync();
        await using var carol = await TestSwitch.StartAsync();
        await using var dave = await TestSwitch.StartAsync();
        await alice.Switch.DialAsync(full.Address);
        await full.UntilIdentifiedAsync(alice.PeerId);
        await Assert.ThrowsAnyAsync<IOException>(() => carol.Switch.DialAsync(full.Address));
        Assert.Equal([alice.PeerId], full.Switch.ConnectedPeers);

        // The bucket holds two.
        await alice.Switch.DialAsync(rare.Address);
        await carol.Switch.DialAsync(rare.Address);
        await Assert.ThrowsAnyAsync<IOException>(() => dave.Switch.DialAsync(rare.Address));
    }

    [Fact]
    public async Task Shutting_down_ends_streams_and_handlers_and_tells_the_others()
    {
        var alice = await TestSwitch.StartAsync();
        await using var bob = await TestSwitch.StartAsync();
        var ended = new TaskCompletionSource();
        alice.Switch.Handle("/long/1", async (stream, cancellationToken) =>
        {
            try
            {
                await stream.ReadAsync(new byte[1], cancellationToken);
            }
            finally
            {
                ended.SetResult();
            }
        });
        await bob.Switch.DialAsync(alice.Address);
        await bob.UntilIdentifiedAsync(alice.PeerId);
        await using var stream = await bob.Switch.OpenStreamAsync(alice.PeerId, ["/long/1"]);
        var reading = stream.ReadAsync(new byte[1]).AsTask();
        await alice.DisposeAsync().AsTask().WaitAsync(TestSwitch.Patience);
        Assert.True(ended.Task.IsCompleted);
        await Assert.ThrowsAnyAsync<IOException>(() => reading.WaitAsync(TestSwitch.Patience));
        await bob.UntilNewsAsync(news => news.Contains($"disconnected {alice.PeerId}"));
        await Assert.ThrowsAnyAsync<IOException>(() => bob.Switch.OpenStreamAsync(alice.PeerId, [TestSwitch.Echo]));
    }

    private static byte[] Bytes(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    private sealed class LateObserver(List<PeerId> heard) : ISwitchObserver
    {
        public void PeerIdentified(PeerRecord peer) => heard.Add(peer.Peer);

        public void PeerDisconnected(PeerId peer) => Assert.Fail("Nobody left.");
    }
}
