using System.Text;
using System.Text.Json;
using Hyperspace.Tests.Host.Net;
using Hyperspace.Tests.Libp2p;

namespace Hyperspace.Tests.Interop;

/// <summary><c>hyperspace net</c> as a process beside js-libp2p, both version lines: what a stranger who only has the program can see.</summary>
[Collection(JsPartnerCollection.Name)]
public class NetInteropTests(JsPartner js)
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_program_and_a_js_peer_measure_gossip_and_keep_records_with_each_other(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await NetProcess.StartAsync();
        await us.CallAsync("dial", new { ma = $"{peer.Addresses[0]}" });
        foreach (var (from, to) in ((JsonLinesPeer, string)[])[(us, $"{peer.PeerId}"), (peer.Lines, $"{us.PeerId}")])
        {
            Assert.Equal(2, (await from.CallAsync("ping", new { peer = to, count = 2 })).GetProperty("rttsMs").GetArrayLength());
            Assert.Equal(3, (await from.CallAsync("echo", new { peer = to, bytes = 70_000, count = 3 })).GetProperty("count").GetInt32());
            Assert.Equal(100_000, (await from.CallAsync("perf", new { peer = to, upload = 100_000, download = 100_000 })).GetProperty("download").GetInt32());
        }

        await GossipAsync(us, peer);
        await RecordsAsync(us, peer);
    }

    private static async Task GossipAsync(JsonLinesPeer us, JsPeer peer)
    {
        await us.CallAsync("subscribe", new { topic = "news" });
        await peer.SubscribeAsync("news");
        foreach (var one in (JsonLinesPeer[])[us, peer.Lines])
        {
            await Eventually.TrueAsync(async () => (await one.CallAsync("topic", new { topic = "news" })).GetProperty("mesh").GetArrayLength() == 1);
        }

        await us.CallAsync("publish", new { topic = "news", data = "from us" });
        Assert.Equal("from us", Encoding.UTF8.GetString((await peer.Messages.ReadAsync()).Data));
        await peer.PublishAsync("news", "from js"u8.ToArray());
        var message = await us.Events.ReadAsync();
        Assert.Equal(("from js", $"{peer.PeerId}"), (message.GetProperty("data").GetString(), message.GetProperty("from").GetString()));

        // Measured in the same way on both sides.
        foreach (var (from, to) in ((JsonLinesPeer, JsonLinesPeer)[])[(us, peer.Lines), (peer.Lines, us)])
        {
            await to.CallAsync("subscribe", new { topic = "load", quiet = true });
            await Eventually.TrueAsync(async () => (await from.CallAsync("topic", new { topic = "load" })).GetProperty("subscribers").GetArrayLength() == 1);
            await from.CallAsync("publish", new { topic = "load", size = 256, count = 50, rate = 200 });
            await Eventually.TrueAsync(async () => (await to.CallAsync("received", new { topic = "load" })).GetProperty("count").GetInt64() == 50);
            Assert.True((await to.CallAsync("received", new { topic = "load" })).GetProperty("p50Ms").GetDouble() > 0);
            await to.CallAsync("unsubscribe", new { topic = "load" });
        }
    }

    private static async Task RecordsAsync(JsonLinesPeer us, JsPeer peer)
    {
        foreach (var one in (JsonLinesPeer[])[us, peer.Lines])
        {
            await Eventually.TrueAsync(async () => (await one.CallAsync("stats")).GetProperty("dhtPeers").GetInt32() == 1);
        }

        await us.CallAsync("dht.put", new { key = "/hyperspace/test/ours", value = "1" });
        Assert.Equal("1", Value(await peer.CallAsync("dht.get", new { key = "/hyperspace/test/ours" })));
        await peer.CallAsync("dht.put", new { key = "/hyperspace/test/theirs", value = "2" });
        Assert.Equal("2", Value(await us.CallAsync("dht.get", new { key = "/hyperspace/test/theirs" })));
    }

    private static string? Value(JsonElement reply) => reply.GetProperty("value").GetString();
}
