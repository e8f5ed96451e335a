using System.Text;
using System.Text.Json;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Kademlia;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>The DHT with js-libp2p's kad-dht, both version lines: peers, providers and records, each way.</summary>
[Collection(JsPartnerCollection.Name)]
public sealed class KademliaInteropTests(JsPartner js) : IAsyncLifetime
{
    private readonly List<IAsyncDisposable> _running = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            await _running[i].DisposeAsync();
        }
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task We_find_a_js_peer_through_another_and_it_finds_us(int line)
    {
        var (near, far) = (await JsAsync(line), await JsAsync(line));
        var (us, dht) = await UsAsync();
        await near.DialAsync(far.Addresses[0]);
        await JsKnowsAsync(near, 1);
        await MeetAsync(us, dht, near);

        var found = await dht.FindPeerAsync(far.PeerId);
        Assert.Contains(far.Addresses[0].WithoutPeer(), found!.Addresses);

        // Our own search may have dialled it just now: until identify is done, js answers from its store, without addresses.
        await Eventually.TrueAsync(() => JsFindsAsync(far, us));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_js_peer_finds_another_through_us(int line)
    {
        var (one, two) = (await JsAsync(line), await JsAsync(line));
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, one);
        await MeetAsync(us, dht, two);
        var reply = await one.CallAsync("dhtFindPeer", new { peer = two.PeerId.ToString() });
        Assert.Equal(two.PeerId.ToString(), reply.GetProperty("peer").GetString());
        Assert.Contains(JsPeer.Strings(reply, "addrs"), a => a.StartsWith(two.Addresses[0].WithoutPeer().ToString(), StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Providers_are_found_both_ways(int line)
    {
        var (near, far) = (await JsAsync(line), await JsAsync(line));
        var (us, dht) = await UsAsync();
        await near.DialAsync(far.Addresses[0]);
        await JsKnowsAsync(near, 1);
        await MeetAsync(us, dht, near);

        var ours = Peers.Multihash("ours");
        Assert.Equal(2, await dht.ProvideAsync(ours));
        foreach (var peer in (JsPeer[])[near, far])
        {
            var reply = await peer.CallAsync("dhtFindProviders", new { key = Convert.ToBase64String(ours) });
            var provider = Assert.Single(reply.GetProperty("providers").EnumerateArray());
            Assert.Equal(us.PeerId.ToString(), provider.GetProperty("peer").GetString());
            Assert.NotEmpty(JsPeer.Strings(provider, "addrs"));
        }

        var theirs = Peers.Multihash("theirs");
        await far.CallAsync("dhtProvide", new { key = Convert.ToBase64String(theirs) });
        await Eventually.TrueAsync(async () => (await ProvidersAsync(dht, theirs)).Any(p => p.Peer == far.PeerId && p.Addresses.Count > 0));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Records_are_put_and_got_both_ways(int line)
    {
        var (near, far) = (await JsAsync(line), await JsAsync(line));
        var (us, dht) = await UsAsync();
        await near.DialAsync(far.Addresses[0]);
        await JsKnowsAsync(near, 1);
        await MeetAsync(us, dht, near);

        var key = "/hyperspace/peer/ours"u8.ToArray();
        Assert.Equal(2, await dht.PutValueAsync(key, "+from us"u8.ToArray()));
        foreach (var peer in (JsPeer[])[near, far])
        {
            var reply = await peer.CallAsync("dhtGet", new { key = Convert.ToBase64String(key) });
            Assert.Equal("+from us", Text(reply));
        }

        key = "/hyperspace/peer/theirs"u8.ToArray();
        await far.CallAsync("dhtPut", new { key = Convert.ToBase64String(key), value = Convert.ToBase64String("+from js"u8) });
        var value = await dht.GetValueAsync(key);
        Assert.Equal("+from js", Encoding.UTF8.GetString(value!.Value.Span));
    }

    [SkippableFact]
    public async Task A_record_that_js_puts_is_held_here_and_one_that_our_validator_refuses_is_not()
    {
        var peer = await JsAsync(3);
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, peer);
        await PutAsync("/hyperspace/peer/good", "+good");
        await PutAsync("/hyperspace/peer/bad", "bad");
        _running.Remove(peer);
        await peer.DisposeAsync();
        Assert.Equal("+good", Encoding.UTF8.GetString((await dht.GetValueAsync("/hyperspace/peer/good"u8.ToArray()))!.Value.Span));
        Assert.Null(await dht.GetValueAsync("/hyperspace/peer/bad"u8.ToArray()));

        Task PutAsync(string key, string value) => peer.CallAsync("dhtPut", new
        {
            key = Convert.ToBase64String(Encoding.UTF8.GetBytes(key)),
            value = Convert.ToBase64String(Encoding.UTF8.GetBytes(value)),
        });
    }

    [SkippableFact]
    public async Task Both_version_lines_and_we_are_one_network()
    {
        var (older, newer) = (await JsAsync(2), await JsAsync(3));
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, older);
        await MeetAsync(us, dht, newer);
        var key = "/hyperspace/peer/older"u8.ToArray();
        await older.CallAsync("dhtPut", new { key = Convert.ToBase64String(key), value = Convert.ToBase64String("+across"u8) });
        Assert.Equal("+across", Text(await newer.CallAsync("dhtGet", new { key = Convert.ToBase64String(key) })));
    }

    private static async Task<bool> JsFindsAsync(JsPeer peer, TestSwitch us)
    {
        var reply = await peer.CallAsync("dhtFindPeer", new { peer = us.PeerId.ToString() });
        Assert.Equal(us.PeerId.ToString(), reply.GetProperty("peer").GetString());
        return JsPeer.Strings(reply, "addrs").Any(a => a.StartsWith(us.Switch.ListenAddresses[0].ToString(), StringComparison.Ordinal));
    }

    private static string Text(JsonElement reply) => Encoding.UTF8.GetString(reply.GetProperty("value").GetBytesFromBase64());

    private async Task<JsPeer> JsAsync(int line)
    {
        var peer = await js.StartAsync(line);
        _running.Add(peer);
        return peer;
    }

    private async Task<(TestSwitch Switch, KademliaService Dht)> UsAsync()
    {
        var node = await TestSwitch.StartAsync();
        _running.Add(node);
        var dht = new KademliaService(node.Switch, new KademliaOptions { Validators = new Dictionary<string, IRecordValidator> { ["hyperspace"] = new PlusValidator() } });
        _running.Add(dht);
        return (node, dht);
    }

    /// <summary>Dials and waits until each stands in the other's table; js takes a peer only after a ping over the DHT's own protocol.</summary>
    private static async Task MeetAsync(TestSwitch us, KademliaService dht, JsPeer peer)
    {
        var (ourSize, theirSize) = (dht.RoutingTableSize, await SizeAsync(peer));
        await us.Switch.DialAsync(peer.Addresses[0]);
        await Eventually.TrueAsync(() => dht.RoutingTableSize > ourSize);
        await JsKnowsAsync(peer, theirSize + 1);
    }

    private static Task JsKnowsAsync(JsPeer peer, int count) =>
        Eventually.TrueAsync(async () => await SizeAsync(peer) >= count);

    private static async Task<int> SizeAsync(JsPeer peer) => (await peer.CallAsync("dhtRoutingTable")).GetProperty("size").GetInt32();

    private static async Task<List<PeerAddresses>> ProvidersAsync(KademliaService dht, byte[] key)
    {
        var list = new List<PeerAddresses>();
        await foreach (var provider in dht.FindProvidersAsync(key, 10))
        {
            list.Add(provider);
        }

        return list;
    }
}
