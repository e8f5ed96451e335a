using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Kademlia;

/// <summary>What needs an owned clock; the rest runs over real sockets in the loopback tests.</summary>
public sealed class KademliaServiceTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(Peers.Start);
    private readonly InMemoryNetwork _network = new();
    private readonly List<KademliaService> _services = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var service in _services)
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task Alone_a_peer_finds_what_it_holds_itself_and_announces_it_to_the_first_peer_it_meets()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        var key = Peers.Multihash("tool");
        Assert.Equal(0, await dhtA.ProvideAsync(key));
        Assert.Equal(0, await dhtA.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray()));
        Assert.Equal([a.LocalPeer], (await ToListAsync(dhtA.FindProvidersAsync(key, 10))).Select(p => p.Peer));
        Assert.Equal("+1", await GetAsync(dhtA, "/t/x"));
        Assert.Equal(a.LocalPeer, (await dhtA.FindPeerAsync(a.LocalPeer))!.Peer);
        Assert.Null(await dhtA.FindPeerAsync(Peers.Number(99)));
        Assert.Null(await GetAsync(dhtA, "/t/none"));

        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        await Eventually.TrueAsync(() => dhtB.RoutingTableSize == 1);

        // The announcements follow the meeting by themselves: b holds both when a is gone.
        await Eventually.TrueAsync(() => dhtA.Refreshes == 1);
        a.Down = true;
        Assert.Equal([a.LocalPeer], (await ToListAsync(dhtB.FindProvidersAsync(key, 10))).Select(p => p.Peer));
        Assert.Equal("+1", await GetAsync(dhtB, "/t/x"));
    }

    [Fact]
    public async Task Providers_are_announced_again_before_they_expire_until_they_are_withdrawn()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        var key = Peers.Multihash("tool");
        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        Assert.Equal(1, await dhtA.ProvideAsync(key));
        for (var hour = 0; hour < 60; hour++)
        {
            await AdvanceAsync(TimeSpan.FromHours(1));
        }

        a.Down = true;
        Assert.Equal([a.LocalPeer], (await ToListAsync(dhtB.FindProvidersAsync(key, 10))).Select(p => p.Peer));
        a.Down = false;
        dhtA.Unprovide(key);
        for (var hour = 0; hour < 60; hour++)
        {
            await AdvanceAsync(TimeSpan.FromHours(1));
        }

        Assert.Empty(await ToListAsync(dhtB.FindProvidersAsync(key, 10)));
        Assert.Empty(await ToListAsync(dhtA.FindProvidersAsync(key, 10)));
    }

    [Fact]
    public async Task The_best_value_wins_and_holders_of_worse_ones_are_corrected()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        var (c, dhtC) = Start(3);
        Assert.Equal(0, await dhtB.PutValueAsync("/t/x"u8.ToArray(), "+old"u8.ToArray()));
        Assert.Equal(0, await dhtC.PutValueAsync("/t/x"u8.ToArray(), "+pnew"u8.ToArray()));
        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        await a.DialAsync(c.ListenAddresses[0].WithPeer(c.LocalPeer));
        await Eventually.TrueAsync(async () => await GetAsync(dhtA, "/t/x") == "+pnew");
        (a.Down, c.Down) = (true, true);
        await Eventually.TrueAsync(async () => await GetAsync(dhtB, "/t/x") == "+pnew");
    }

    [Fact]
    public async Task A_put_that_is_refused_or_worse_than_what_is_held_says_so()
    {
        var (_, dht) = Start(1);
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutValueAsync("/t/x"u8.ToArray(), "bad"u8.ToArray()));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutValueAsync("/u/x"u8.ToArray(), "+1"u8.ToArray()));
        await dht.PutValueAsync("/t/x"u8.ToArray(), "+2"u8.ToArray());
        await Assert.ThrowsAsync<ArgumentException>(() => dht.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray()));
        await Assert.ThrowsAsync<ArgumentException>(() => dht.ProvideAsync(new byte[34]));
    }

    [Fact]
    public async Task Clients_ask_but_stand_in_no_table()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2, KademliaMode.Client);
        await b.DialAsync(a.ListenAddresses[0].WithPeer(a.LocalPeer));
        await Eventually.TrueAsync(() => dhtB.RoutingTableSize == 1);
        Assert.Equal(1, await dhtB.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray()));
        Assert.Equal("+1", await GetAsync(dhtA, "/t/x"));
        Assert.Equal(0, dhtA.RoutingTableSize);
    }

    [Fact]
    public async Task A_peer_that_falls_silent_is_given_up_and_the_search_ends()
    {
        var (a, dhtA) = Start(1);
        var silent = _network.Add(2);
        silent.Handle("/hyperspace/kad/1.0.0", (_, token) => Task.Delay(Timeout.Infinite, token));
        await a.DialAsync(silent.ListenAddresses[0].WithPeer(silent.LocalPeer));
        var search = ToListAsync(dhtA.FindProvidersAsync(Peers.Multihash("x"), 3));
        await Eventually.TrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return search.IsCompleted;
        });
        Assert.Empty(await search);
    }

    [Fact]
    public async Task An_idle_stream_is_closed_and_a_malformed_one_reset()
    {
        var (a, _) = Start(1);
        var (b, _) = Start(2);
        b.AddAddresses(a.LocalPeer, a.ListenAddresses);
        await using var idle = await b.OpenStreamAsync(a.LocalPeer, ["/hyperspace/kad/1.0.0"]);
        var closed = idle.ReadAsync(new byte[1]).AsTask();
        await Eventually.TrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(61));
            return closed.IsCompleted;
        });
        Assert.Equal(0, await closed);
        foreach (var bad in (string[])["ffffffffffffffffffff", "ffffff7f", "03ffffff", "020804"])
        {
            await using var stream = await b.OpenStreamAsync(a.LocalPeer, ["/hyperspace/kad/1.0.0"]);
            await stream.WriteAsync(Convert.FromHexString(bad));
            await Assert.ThrowsAsync<IOException>(() => stream.ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        }

        Assert.Null(a.Fault);
    }

    [Fact]
    public async Task A_server_that_becomes_a_client_leaves_the_tables_and_answers_no_more_until_it_serves_again()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        await Eventually.TrueAsync(() => dhtA.RoutingTableSize == 1 && dhtB.RoutingTableSize == 1);
        Assert.Equal(1, await dhtA.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray()));

        // A stream that was opened before is served no more either.
        dhtB.Mode = KademliaMode.Client;
        Assert.Equal(KademliaMode.Client, dhtB.Mode);
        await Eventually.TrueAsync(() => dhtA.RoutingTableSize == 0);
        Assert.Equal(0, await dhtA.PutValueAsync("/t/x"u8.ToArray(), "+2"u8.ToArray()));
        Assert.Equal("+2", await GetAsync(dhtB, "/t/x"));

        dhtB.Mode = KademliaMode.Server;
        b.AnnounceProtocols();
        await Eventually.TrueAsync(() => dhtA.RoutingTableSize == 1);
        Assert.Equal(1, await dhtA.PutValueAsync("/t/y"u8.ToArray(), "+1"u8.ToArray()));
    }

    [Fact]
    public async Task Requests_to_one_peer_go_over_one_stream()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        await Eventually.TrueAsync(() => dhtA.Refreshes > 0 && dhtB.Refreshes > 0);
        var before = a.Opened;
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(await GetAsync(dhtA, $"/t/{i}"));
            Assert.Equal(1, await dhtA.PutValueAsync(Encoding.UTF8.GetBytes($"/t/{i}"), "+1"u8.ToArray()));
        }

        Assert.InRange(a.Opened - before, 0, 1);

        // What lies idle is closed, and a new one opened when it is needed.
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("+1", await GetAsync(dhtB, "/t/1"));
        Assert.Null(await GetAsync(dhtA, "/t/none"));
        Assert.InRange(a.Opened - before, 1, 2);
    }

    [Fact]
    public async Task A_stream_that_the_other_side_closed_meanwhile_is_no_failure()
    {
        var (a, dhtA) = Start(1);
        var other = _network.Add(2);
        other.Handle("/hyperspace/kad/1.0.0", async (stream, token) =>
        {
            // One request a stream, as some implementations have it.
            if (await stream.ReadMessageAsync(4096, token) is { } request)
            {
                await stream.WriteMessageAsync(request, token);
            }
        });
        await a.DialAsync(other.ListenAddresses[0].WithPeer(other.LocalPeer));
        await Eventually.TrueAsync(() => dhtA.Refreshes > 0);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(1, await dhtA.PutValueAsync(Encoding.UTF8.GetBytes($"/t/{i}"), "+1"u8.ToArray()));
        }

        Assert.Equal(1, dhtA.RoutingTableSize);
    }

    [Fact]
    public async Task A_peer_that_goes_on_returning_bad_records_is_shunned_and_what_it_says_is_not_followed()
    {
        var (a, dhtA) = Start(1, change: o => o with { ToleratedOffences = 2 });
        var liar = _network.Add(2);
        var asked = 0;
        liar.Handle("/hyperspace/kad/1.0.0", async (stream, token) =>
        {
            while (await stream.ReadMessageAsync(4096, token) is { } bytes)
            {
                var request = Message.Parser.ParseFrom(bytes);
                var reply = new Message { Type = request.Type, Key = request.Key };
                if (request.Type == Message.Types.MessageType.GetValue)
                {
                    Interlocked.Increment(ref asked);
                    reply.Record = KademliaMessages.RecordOf(request.Key.Span, "no plus"u8, Peers.Start);
                    reply.CloserPeers.Add(KademliaMessages.ToWire(new(Peers.Number(50), Peers.AddressOf(Peers.Number(50)))));
                }

                await stream.WriteMessageAsync(Google.Protobuf.MessageExtensions.ToByteArray(reply), token);
            }
        });
        await a.DialAsync(liar.ListenAddresses[0].WithPeer(liar.LocalPeer));
        await Eventually.TrueAsync(() => dhtA.RoutingTableSize == 1 && dhtA.Refreshes > 0);
        for (var i = 1; i <= 5; i++)
        {
            Assert.Null(await GetAsync(dhtA, "/t/x"));
            Assert.Equal(Math.Min(i, 3), asked);
            Assert.Equal(i < 3 ? 1 : 0, dhtA.RoutingTableSize);
        }

        Assert.Null(a.Find(Peers.Number(50)));
    }

    [Fact]
    public async Task The_first_value_comes_while_others_are_still_silent()
    {
        var (a, dhtA) = Start(1);
        var (b, dhtB) = Start(2);
        var silent = _network.Add(3);
        silent.Handle("/hyperspace/kad/1.0.0", (_, token) => Task.Delay(Timeout.Infinite, token));
        Assert.Equal(0, await dhtB.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray()));
        await a.DialAsync(b.ListenAddresses[0].WithPeer(b.LocalPeer));
        await a.DialAsync(silent.ListenAddresses[0].WithPeer(silent.LocalPeer));
        await using var values = dhtA.SearchValueAsync("/t/x"u8.ToArray()).GetAsyncEnumerator();
        Assert.True(await values.MoveNextAsync());
        Assert.Equal("+1", Encoding.UTF8.GetString(values.Current.Span));

        // It ends a while after the first value, long before the silent one's time is up.
        var end = values.MoveNextAsync().AsTask();
        var waited = 0;
        await Eventually.TrueAsync(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            waited++;
            return end.IsCompleted;
        });
        Assert.False(await end);
    }

    [Fact]
    public async Task No_more_requests_are_under_way_at_once_than_allowed()
    {
        var (a, dhtA) = Start(1, change: o => o with { MaxConcurrentRequests = 2 });
        var (running, most) = (0, 0);
        var gate = new Lock();
        for (var i = 2; i < 10; i++)
        {
            var other = _network.Add(i);
            other.Handle("/hyperspace/kad/1.0.0", async (stream, token) =>
            {
                while (await stream.ReadMessageAsync(4096, token) is { } request)
                {
                    lock (gate)
                    {
                        most = Math.Max(most, ++running);
                    }

                    await Task.Yield();
                    lock (gate)
                    {
                        running--;
                    }

                    await stream.WriteMessageAsync(request, token);
                }
            });
            await a.DialAsync(other.ListenAddresses[0].WithPeer(other.LocalPeer));
        }

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => GetAsync(dhtA, $"/t/{i}")));
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task A_saved_table_is_verified_before_it_counts_and_leads_back_into_the_network()
    {
        var store = new MemoryTableStore();
        var (b, dhtB) = Start(2);
        var (c, _) = Start(3);
        var gone = _network.Add(4);
        gone.Down = true;
        store.Saved = RoutingTableSnapshot.Encode([new(gone.LocalPeer, gone.ListenAddresses), new(b.LocalPeer, b.ListenAddresses)]);
        await b.DialAsync(c.ListenAddresses[0].WithPeer(c.LocalPeer));
        await Eventually.TrueAsync(() => dhtB.RoutingTableSize == 1);

        // Nobody is dialled but those that were saved; the third is met through them.
        var (_, dhtA) = Start(1, store: store);
        await Eventually.TrueAsync(() => dhtA.RoutingTableSize == 2 && dhtA.Refreshes > 0);
        _services.Remove(dhtA);
        await dhtA.DisposeAsync();
        Assert.Equal(new[] { b.LocalPeer, c.LocalPeer }.Order(), RoutingTableSnapshot.Decode(store.Saved!.Value).Select(p => p.Peer).Order());
    }

    [Fact]
    public async Task A_table_that_cannot_be_read_or_saved_stops_nobody_and_an_empty_one_is_not_saved()
    {
        var broken = new MemoryTableStore { Broken = true };
        var (_, dht) = Start(1, store: broken);
        Assert.Null(await GetAsync(dht, "/t/x"));
        _services.Remove(dht);
        await dht.DisposeAsync();

        var store = new MemoryTableStore { Saved = new byte[] { 1, 2, 3 } };
        var (_, alone) = Start(2, store: store);
        _services.Remove(alone);
        await alone.DisposeAsync();
        Assert.Equal([1, 2, 3], store.Saved!.Value.ToArray());
    }

    private static async Task<List<PeerAddresses>> ToListAsync(IAsyncEnumerable<PeerAddresses> providers)
    {
        var list = new List<PeerAddresses>();
        await foreach (var provider in providers)
        {
            list.Add(provider);
        }

        return list;
    }

    private static async Task<string?> GetAsync(KademliaService dht, string key) =>
        await dht.GetValueAsync(Encoding.UTF8.GetBytes(key)) is { } value ? Encoding.UTF8.GetString(value.Span) : null;

    private (InMemorySwitch Switch, KademliaService Dht) Start(int seed, KademliaMode mode = KademliaMode.Server, Func<KademliaOptions, KademliaOptions>? change = null, IRoutingTableStore? store = null)
    {
        var node = _network.Add(seed);
        var options = new KademliaOptions { Mode = mode, Validators = new Dictionary<string, IRecordValidator> { ["t"] = new PlusValidator() } };
        var dht = new KademliaService(node, change?.Invoke(options) ?? options, _time, new Random(seed), store);
        _services.Add(dht);
        return (node, dht);
    }

    private sealed class MemoryTableStore : IRoutingTableStore
    {
        public ReadOnlyMemory<byte>? Saved { get; set; }

        public bool Broken { get; init; }

        public ValueTask<ReadOnlyMemory<byte>?> LoadAsync(CancellationToken cancellationToken) => Broken ? throw new IOException("The disk is gone.") : new(Saved);

        public ValueTask SaveAsync(ReadOnlyMemory<byte> snapshot, CancellationToken cancellationToken)
        {
            Saved = Broken ? throw new IOException("The disk is gone.") : snapshot.ToArray();
            return ValueTask.CompletedTask;
        }
    }

    // The refresh that the time sets off is done when every service has gone through it.
    private async Task AdvanceAsync(TimeSpan by)
    {
        var before = _services.Select(s => s.Refreshes).ToList();
        _time.Advance(by);
        await Eventually.TrueAsync(() => _services.Zip(before, (s, b) => s.Refreshes > b).All(done => done));
    }
}
