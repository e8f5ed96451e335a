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

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_newer_record_of_ours_replaces_the_one_that_js_holds(int line)
    {
        var peer = await JsAsync(line, new { records = "plus" });
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, peer);
        var key = "/hyperspace/peer/x"u8.ToArray();
        Assert.Equal(1, await dht.PutValueAsync(key, "+1"u8.ToArray()));
        Assert.Equal(1, await dht.PutValueAsync(key, "+2"u8.ToArray()));
        await dht.DisposeAsync();
        await us.DisposeAsync();
        Assert.Equal("+2", Text(await peer.CallAsync("dhtGet", new { key = Convert.ToBase64String(key) })));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_newer_record_of_js_replaces_the_one_held_here_and_an_older_does_not(int line)
    {
        var (near, far) = (await JsAsync(line, new { records = "plus" }), await JsAsync(line, new { records = "plus" }));
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, near);
        await MeetAsync(us, dht, far);
        await PutAsync(near, "+1");
        await PutAsync(far, "+2");
        Assert.Equal("+2", await HeldAsync());
        var key = "/hyperspace/peer/x"u8.ToArray();
        await dht.PutValueAsync(key, "+9"u8.ToArray());

        // js itself takes any valid record over a better one; the search corrects it.
        await PutAsync(near, "+3");
        Assert.Equal("+9", await HeldAsync());
        await Eventually.TrueAsync(async () => Text(await near.CallAsync("dhtGet", new { key = Convert.ToBase64String(key) })) == "+9");

        async Task<string> HeldAsync() => Encoding.UTF8.GetString((await dht.GetValueAsync("/hyperspace/peer/x"u8.ToArray()))!.Value.Span);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_record_that_js_refuses_is_not_held_there(int line)
    {
        var peer = await JsAsync(line, new { records = "plus" });
        var (us, dht) = await UsAsync(validator: new AnyValidator());
        await MeetAsync(us, dht, peer);
        var taken = await dht.PutValueAsync("/hyperspace/peer/bad"u8.ToArray(), "bad"u8.ToArray());

        // The older line echoes what it does not store.
        Assert.Equal(line == 2 ? 1 : 0, taken);
        Assert.Equal(1, await dht.PutValueAsync("/hyperspace/peer/good"u8.ToArray(), "+good"u8.ToArray()));
        await dht.DisposeAsync();
        await us.DisposeAsync();

        var (later, laterDht) = await UsAsync(validator: new AnyValidator());
        await MeetAsync(later, laterDht, peer);
        Assert.Equal("+good", Encoding.UTF8.GetString((await laterDht.GetValueAsync("/hyperspace/peer/good"u8.ToArray()))!.Value.Span));
        Assert.Null(await laterDht.GetValueAsync("/hyperspace/peer/bad"u8.ToArray()));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_bad_record_that_js_holds_is_not_got(int line)
    {
        var peer = await JsAsync(line);
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, peer);
        await PutAsync(peer, "bad");
        Assert.Null(await dht.GetValueAsync("/hyperspace/peer/x"u8.ToArray()));
        Assert.Equal("bad", Text(await peer.CallAsync("dhtGet", new { key = Convert.ToBase64String("/hyperspace/peer/x"u8) })));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_client_of_ours_stands_in_no_table_of_js_and_a_server_that_becomes_one_leaves_it(int line)
    {
        var peer = await JsAsync(line);
        var (us, dht) = await UsAsync();
        await MeetAsync(us, dht, peer);
        dht.Mode = KademliaMode.Client;
        await Eventually.TrueAsync(async () => !(await peer.ProtocolsAsync(us.PeerId)).Contains("/hyperspace/kad/1.0.0"));
        Assert.Equal(1, await dht.PutValueAsync("/hyperspace/peer/client"u8.ToArray(), "+1"u8.ToArray()));
        dht.Mode = KademliaMode.Server;
        await Eventually.TrueAsync(async () => (await peer.ProtocolsAsync(us.PeerId)).Contains("/hyperspace/kad/1.0.0"));
    }

    [SkippableFact]
    public async Task Five_of_js_and_five_of_ours_are_one_network_with_a_protocol_of_its_own()
    {
        const string Protocol = "/other/kad/1.0.0";
        var theirs = await Task.WhenAll(((int[])[2, 3, 3, 2, 3]).Select(line => JsAsync(line, new { records = "plus", kadProtocol = Protocol })));
        var ours = new List<(TestSwitch Switch, KademliaService Dht)>();
        for (var i = 0; i < 5; i++)
        {
            ours.Add(await UsAsync(Protocol));
        }

        // A chain of both kinds: everybody meets two, and finds the others through them.
        for (var i = 0; i < 5; i++)
        {
            await MeetAsync(ours[i].Switch, ours[i].Dht, theirs[i]);
            if (i > 0)
            {
                await MeetAsync(ours[i].Switch, ours[i].Dht, theirs[i - 1]);
            }
        }

        var (key, provided) = ("/hyperspace/peer/ten"u8.ToArray(), Peers.Multihash("ten"));
        Assert.InRange(await ours[0].Dht.PutValueAsync(key, "+ours"u8.ToArray()), 5, 9);
        Assert.InRange(await ours[4].Dht.ProvideAsync(provided), 5, 9);
        await theirs[4].CallAsync("dhtProvide", new { key = Convert.ToBase64String(provided) });
        foreach (var peer in theirs)
        {
            Assert.Equal("+ours", Text(await peer.CallAsync("dhtGet", new { key = Convert.ToBase64String(key) })));
            var found = (await peer.CallAsync("dhtFindProviders", new { key = Convert.ToBase64String(provided) })).GetProperty("providers").EnumerateArray().Select(p => p.GetProperty("peer").GetString());
            Assert.Contains(ours[4].Switch.PeerId.ToString(), found);
        }

        foreach (var (_, dht) in ours)
        {
            Assert.Equal("+ours", Encoding.UTF8.GetString((await dht.GetValueAsync(key))!.Value.Span));
            await Eventually.TrueAsync(async () => (await ProvidersAsync(dht, provided)).Select(p => p.Peer).ToHashSet().IsSupersetOf([ours[4].Switch.PeerId, theirs[4].PeerId]));
        }

        var sought = await ours[0].Dht.FindPeerAsync(theirs[4].PeerId);
        Assert.Contains(theirs[4].Addresses[0].WithoutPeer(), sought!.Addresses);
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

    private static Task PutAsync(JsPeer peer, string value) =>
        peer.CallAsync("dhtPut", new { key = Convert.ToBase64String("/hyperspace/peer/x"u8), value = Convert.ToBase64String(Encoding.UTF8.GetBytes(value)) });

    private async Task<JsPeer> JsAsync(int line, object? options = null)
    {
        var peer = await js.StartAsync(line, options);
        lock (_running)
        {
            _running.Add(peer);
        }

        return peer;
    }

    private async Task<(TestSwitch Switch, KademliaService Dht)> UsAsync(string protocol = "/hyperspace/kad/1.0.0", IRecordValidator? validator = null)
    {
        var node = await TestSwitch.StartAsync();
        _running.Add(node);
        var dht = new KademliaService(node.Switch, new KademliaOptions { ProtocolId = protocol, Validators = new Dictionary<string, IRecordValidator> { ["hyperspace"] = validator ?? new PlusValidator() } });
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

    /// <summary>Takes what the partner's own validator refuses.</summary>
    private sealed class AnyValidator : IRecordValidator
    {
        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => true;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values) => 0;
    }
}
