using System.Text.Json;
using Hyperspace.Tests.Interop;
using Hyperspace.Tests.Libp2p;

namespace Hyperspace.Tests.Host.Net;

/// <summary>Two <c>hyperspace net</c> processes that do everything that the commands offer.</summary>
public sealed class NetCommandsTests : IAsyncLifetime
{
    private JsonLinesPeer _one = null!;
    private JsonLinesPeer _two = null!;

    public async Task InitializeAsync()
    {
        var starting = (NetProcess.StartAsync(), NetProcess.StartAsync("--seed", "0", "--json"));
        (_one, _two) = (await starting.Item1, await starting.Item2);
        var dialed = await _one.CallAsync("dial", new { ma = $"{_two.Addresses[0]}" });
        Assert.Equal($"{_two.PeerId}", dialed.GetProperty("peer").GetString());
        Assert.True(dialed.GetProperty("ms").GetDouble() > 0);
    }

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
    }

    [Fact]
    public async Task Pings_echoes_and_perf_are_measured()
    {
        var peer = $"{_two.PeerId}";
        var ping = await _one.CallAsync("ping", new { peer, count = 3 });
        Assert.Equal(3, ping.GetProperty("rttsMs").EnumerateArray().Count(ms => ms.GetDouble() > 0));
        var echo = await _one.CallAsync("echo", new { peer, bytes = 100_000, count = 4 });
        Assert.Equal((100_000, 4), (echo.GetProperty("bytes").GetInt32(), echo.GetProperty("count").GetInt32()));
        Assert.True(echo.GetProperty("p99Ms").GetDouble() >= echo.GetProperty("p50Ms").GetDouble());
        var perf = await _one.CallAsync("perf", new { peer, upload = 1_000_000, download = 2_000_000 });
        Assert.True(perf.GetProperty("uploadMs").GetDouble() > 0);
        Assert.True(perf.GetProperty("downloadMs").GetDouble() > 0);
    }

    [Fact]
    public async Task Messages_come_as_events_as_text_as_base64_or_as_a_digest()
    {
        await JoinAsync("news");
        await _one.CallAsync("publish", new { topic = "news", data = "grüß \"euch\"" });
        var text = await EventAsync();
        Assert.Equal(("message", "news", $"{_one.PeerId}"), (text.GetProperty("event").GetString(), text.GetProperty("topic").GetString(), text.GetProperty("from").GetString()));
        Assert.Equal("grüß \"euch\"", text.GetProperty("data").GetString());
        Assert.Equal(13, text.GetProperty("size").GetInt32());
        Assert.True(ulong.Parse(text.GetProperty("seqno").GetString()!, System.Globalization.CultureInfo.InvariantCulture) > 0);

        await _one.CallAsync("publish", new { topic = "news", dataBase64 = "//8=" });
        Assert.Equal("//8=", (await EventAsync()).GetProperty("dataBase64").GetString());
        await _one.CallAsync("publish", new { topic = "news", data = "" });
        Assert.Equal("", (await EventAsync()).GetProperty("data").GetString());
        await _one.CallAsync("publish", new { topic = "news", data = new string('x', 300_000) });
        var large = await EventAsync();
        Assert.Equal(300_000, large.GetProperty("size").GetInt32());
        Assert.Equal(64, large.GetProperty("sha256").GetString()!.Length);
    }

    [Fact]
    public async Task A_quiet_subscription_counts_and_a_long_publish_holds_nothing_up()
    {
        await JoinAsync("load", quiet: true);
        var publishing = _one.CallAsync("publish", new { topic = "load", size = 256, count = 1_000_000_000, rate = 200.0 }, TimeSpan.FromMinutes(10));
        await Eventually.TrueAsync(async () => (await ReceivedAsync("load")).GetProperty("count").GetInt64() >= 20);
        await _one.CallAsync("ping", new { peer = $"{_two.PeerId}" });
        Assert.False(publishing.IsCompleted);
        var received = await ReceivedAsync("load");
        Assert.Equal(received.GetProperty("count").GetInt64() * 256, received.GetProperty("bytes").GetInt64());
        Assert.True(received.GetProperty("p50Ms").GetDouble() > 0);

        // quit does not wait for it, and it is told.
        await _one.CallAsync("quit");
        Assert.Contains("stops", (await Assert.ThrowsAsync<InvalidOperationException>(() => publishing)).Message, StringComparison.Ordinal);
        Assert.Equal(0, await _one.EndAsync());
    }

    [Fact]
    public async Task Records_providers_and_peers_are_found_over_the_dht()
    {
        await Eventually.TrueAsync(async () => (await _one.CallAsync("stats")).GetProperty("dhtPeers").GetInt32() == 1 && (await _two.CallAsync("stats")).GetProperty("dhtPeers").GetInt32() == 1);
        var put = await _one.CallAsync("dht.put", new { key = "/any-namespace/a", value = "1" });
        Assert.Equal(1, put.GetProperty("stored").GetInt32());
        var got = await _two.CallAsync("dht.get", new { key = "/any-namespace/a" });
        Assert.Equal((true, "1"), (got.GetProperty("found").GetBoolean(), got.GetProperty("value").GetString()));
        var none = await _two.CallAsync("dht.get", new { key = "/any-namespace/b" });
        Assert.Equal((false, JsonValueKind.Null), (none.GetProperty("found").GetBoolean(), none.GetProperty("value").ValueKind));

        await _two.CallAsync("dht.provide", new { key = "tool" });
        var provider = Assert.Single((await _one.CallAsync("dht.findProviders", new { key = "tool" })).GetProperty("providers").EnumerateArray());
        Assert.Equal($"{_two.PeerId}", provider.GetProperty("peer").GetString());
        var found = await _one.CallAsync("dht.findPeer", new { peer = $"{_two.PeerId}" });
        Assert.Contains($"{_two.Addresses[0].WithoutPeer()}", JsPeer.Strings(found, "addrs"));
    }

    [Fact]
    public async Task Peers_scores_and_streams_are_told_and_a_peer_is_closed()
    {
        await Eventually.TrueAsync(async () => (await PeersAsync()).GetProperty("agent").GetString() is not null);
        var peer = await PeersAsync();
        Assert.Equal($"{_two.PeerId}", peer.GetProperty("peer").GetString());
        Assert.Equal("outbound", peer.GetProperty("connections")[0].GetProperty("direction").GetString());
        Assert.Contains("/perf/1.0.0", JsPeer.Strings(peer, "protocols"));
        Assert.Equal($"{_two.PeerId}", (await _one.CallAsync("score")).GetProperty("scores")[0].GetProperty("peer").GetString());
        Assert.Equal("/ipfs/ping/1.0.0", (await _one.CallAsync("stream", new { peer = $"{_two.PeerId}", protocol = "/ipfs/ping/1.0.0" })).GetProperty("protocol").GetString());
        Assert.False((await _one.AskAsync("stream", new { peer = $"{_two.PeerId}", protocol = "/nobody/1.0.0" })).GetProperty("ok").GetBoolean());

        await _one.CallAsync("close", new { peer = $"{_two.PeerId}" });
        await Eventually.TrueAsync(async () => (await _one.CallAsync("peers")).GetProperty("peers").GetArrayLength() == 0);

        async Task<JsonElement> PeersAsync() => Assert.Single((await _one.CallAsync("peers")).GetProperty("peers").EnumerateArray());
    }

    private async Task JoinAsync(string topic, bool quiet = false)
    {
        await _two.CallAsync("subscribe", new { topic, quiet });
        await Eventually.TrueAsync(async () => (await _one.CallAsync("topic", new { topic })).GetProperty("subscribers").GetArrayLength() == 1);
    }

    private Task<JsonElement> ReceivedAsync(string topic) => _two.CallAsync("received", new { topic });

    private async Task<JsonElement> EventAsync() => await _two.Events.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
