using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
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

    private (InMemorySwitch Switch, KademliaService Dht) Start(int seed, KademliaMode mode = KademliaMode.Server)
    {
        var node = _network.Add(seed);
        var options = new KademliaOptions { Mode = mode, Validators = new Dictionary<string, IRecordValidator> { ["t"] = new PlusValidator() } };
        var dht = new KademliaService(node, options, _time, new Random(seed));
        _services.Add(dht);
        return (node, dht);
    }

    // The refresh that the time sets off is done when every service has gone through it.
    private async Task AdvanceAsync(TimeSpan by)
    {
        var before = _services.Select(s => s.Refreshes).ToList();
        _time.Advance(by);
        await Eventually.TrueAsync(() => _services.Zip(before, (s, b) => s.Refreshes > b).All(done => done));
    }
}
