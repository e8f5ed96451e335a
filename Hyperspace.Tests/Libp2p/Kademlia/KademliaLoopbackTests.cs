using System.Diagnostics;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Kademlia;

/// <summary>The DHT over real switches: TCP, Noise and Yamux on loopback.</summary>
public sealed class KademliaLoopbackTests : IAsyncLifetime
{
    private readonly List<(TestSwitch Switch, KademliaService Dht)> _peers = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var (node, dht) in _peers)
        {
            await dht.DisposeAsync();
            await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task In_a_chain_of_ten_everyone_finds_providers_records_and_peers()
    {
        await ChainAsync(10);
        var key = Peers.Multihash("hyperspace/cap/search");

        // Met only one or two peers each, yet announcements reach the rest through lookups.
        Assert.Equal(9, await _peers[0].Dht.ProvideAsync(key));
        Assert.Equal(9, await _peers[9].Dht.ProvideAsync(key));
        Assert.Equal(9, await _peers[3].Dht.PutValueAsync("/t/record"u8.ToArray(), "+value"u8.ToArray()));
        foreach (var (node, dht) in _peers)
        {
            var found = await ProvidersAsync(dht, key, 5);
            Assert.Equal(new[] { _peers[0].Switch.PeerId, _peers[9].Switch.PeerId }.Order(), found.Select(p => p.Peer).Order());
            Assert.All(found, p => Assert.NotEmpty(p.Addresses));
            Assert.Single(await ProvidersAsync(dht, key, 1));
            Assert.Equal("+value", await GetAsync(dht, "/t/record"));
        }

        var sought = await _peers[0].Dht.FindPeerAsync(_peers[9].Switch.PeerId);
        Assert.Contains(_peers[9].Switch.Switch.ListenAddresses[0], sought!.Addresses);
    }

    [Fact]
    public async Task A_record_outlives_the_peer_that_put_it()
    {
        await ChainAsync(4);
        await _peers[0].Dht.PutValueAsync("/t/x"u8.ToArray(), "+1"u8.ToArray());
        await _peers[0].Dht.DisposeAsync();
        await _peers[0].Switch.DisposeAsync();
        Assert.Equal("+1", await GetAsync(_peers[3].Dht, "/t/x"));
    }

    [Fact]
    public async Task A_client_is_found_although_it_serves_nothing()
    {
        await ChainAsync(3);
        var client = await StartAsync(KademliaMode.Client);
        await client.Switch.Switch.DialAsync(_peers[2].Switch.Address);
        await Eventually.TrueAsync(() => client.Dht.RoutingTableSize > 0 && _peers[2].Switch.Switch.Find(client.Switch.PeerId)?.Addresses.Count > 0);
        var found = await _peers[0].Dht.FindPeerAsync(client.Switch.PeerId);
        Assert.Contains(client.Switch.Switch.ListenAddresses[0], found!.Addresses);
        Assert.All(_peers.Take(3), p => Assert.True(p.Dht.RoutingTableSize <= 2));
    }

    [Fact]
    public async Task Two_peers_answer_each_other_at_once_and_misses_end_quickly()
    {
        await ChainAsync(2);
        var watch = Stopwatch.StartNew();
        Assert.Null(await GetAsync(_peers[0].Dht, "/t/none"));
        Assert.Empty(await ProvidersAsync(_peers[0].Dht, Peers.Multihash("none"), 5));
        Assert.Null(await _peers[0].Dht.FindPeerAsync(Peers.Number(77)));
        Assert.Equal(1, await _peers[0].Dht.ProvideAsync(Peers.Multihash("x")));
        Assert.Equal([_peers[0].Switch.PeerId], (await ProvidersAsync(_peers[1].Dht, Peers.Multihash("x"), 5)).Select(p => p.Peer));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"It took {watch.Elapsed}.");
    }

    private async Task ChainAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (node, dht) = await StartAsync(KademliaMode.Server);
            if (i > 0)
            {
                await node.Switch.DialAsync(_peers[i - 1].Switch.Address);
                await Eventually.TrueAsync(() => dht.RoutingTableSize > 0 && _peers[i - 1].Dht.RoutingTableSize > 0);
            }
        }
    }

    private async Task<(TestSwitch Switch, KademliaService Dht)> StartAsync(KademliaMode mode)
    {
        var node = await TestSwitch.StartAsync();
        var dht = new KademliaService(node.Switch, new KademliaOptions { Mode = mode, Validators = new Dictionary<string, IRecordValidator> { ["t"] = new PlusValidator() } });
        _peers.Add((node, dht));
        return (node, dht);
    }

    private static async Task<List<PeerAddresses>> ProvidersAsync(KademliaService dht, byte[] key, int limit)
    {
        var list = new List<PeerAddresses>();
        await foreach (var provider in dht.FindProvidersAsync(key, limit))
        {
            list.Add(provider);
        }

        return list;
    }

    private static async Task<string?> GetAsync(KademliaService dht, string key) =>
        await dht.GetValueAsync(Encoding.UTF8.GetBytes(key)) is { } value ? Encoding.UTF8.GetString(value.Span) : null;
}
