using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Tests.Libp2p.GossipSub;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>GossipSub against js-libp2p, both version lines and both directions.</summary>
[Collection(JsPartnerCollection.Name)]
public class GossipSubInteropTests(JsPartner js)
{
    private const string Topic = "hyperspace/tasks/interop";
    private static readonly int[] Sizes = [0, 1, 511, 512, 64 << 10, 1 << 20];

    [SkippableTheory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task Messages_of_every_size_cross_both_ways_whoever_dials(int line, bool weDial)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await GossipPeer.StartAsync();
        var (messages, _) = us.Subscribe(Topic);
        await peer.SubscribeAsync(Topic);
        await ConnectAsync(us, peer, weDial);
        await UntilMeshedAsync(us, peer);

        foreach (var size in Sizes)
        {
            var data = new byte[size];
            new Random(size + line).NextBytes(data);

            await us.Gossip.PublishAsync(Topic, data);
            var atJs = await GossipPeer.NextAsync(peer.Messages);
            Assert.Equal((Topic, us.PeerId.ToString()), (atJs.Topic, atJs.From));
            Assert.Equal(data, atJs.Data);

            await peer.PublishAsync(Topic, data);
            var atUs = await GossipPeer.NextAsync(messages);
            Assert.Equal((Topic, peer.PeerId, peer.PeerId), (atUs.Topic, atUs.Author, atUs.ReceivedFrom));
            Assert.Equal(data, atUs.Data.ToArray());
        }

        Assert.Equal((0, 0), (us.Gossip.Counters.Rejected, us.Gossip.Dropped));
        Assert.True(await ScoreAtAsync(peer, us) >= 0);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Js_subscribes_late_leaves_and_comes_back(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await GossipPeer.StartAsync();
        var (_, subscription) = us.Subscribe(Topic);
        await ConnectAsync(us, peer, weDial: true);
        await peer.SubscribeAsync(Topic);
        await UntilMeshedAsync(us, peer);
        await us.Gossip.PublishAsync(Topic, "late"u8.ToArray());
        Assert.Equal("late"u8.ToArray(), (await GossipPeer.NextAsync(peer.Messages)).Data);

        await peer.CallAsync("unsubscribe", new { topic = Topic });
        await Eventually.TrueAsync(() => us.Gossip.SubscribersOf(Topic).Count == 0 && us.Gossip.MeshOf(Topic).Count == 0, what: "js has left");
        await peer.SubscribeAsync(Topic);
        await Eventually.TrueAsync(() => us.Gossip.SubscribersOf(Topic).Count == 1, what: "js is back");
        await us.Gossip.PublishAsync(Topic, "back"u8.ToArray());
        Assert.Equal("back"u8.ToArray(), (await GossipPeer.NextAsync(peer.Messages)).Data);

        subscription.Dispose();
        await Eventually.TrueAsync(async () => !await SubscribesAtAsync(peer, us), what: "js knows that we left");
        Assert.True(await ScoreAtAsync(peer, us) >= 0);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Messages_of_every_size_are_pulled_by_id_both_ways_when_there_is_no_mesh(int line)
    {
        // Without flood publish, and with no room in the mesh of whoever publishes, IHAVE and IWANT are the only way.
        await using var peer = await js.StartAsync(line, new { gossip = new { floodPublish = false, D = 0, Dlo = 0, Dhi = 0, Dscore = 0, Dout = 0 } });
        var parameters = new GossipSubParameters { FloodPublish = false, D = 0, Dlo = 0, Dhi = 0, Dscore = 0, Dout = 0 };
        await using var us = await GossipPeer.StartAsync(new GossipSubOptions { Parameters = parameters });
        var (messages, _) = us.Subscribe(Topic);
        await peer.SubscribeAsync(Topic);
        await ConnectAsync(us, peer, weDial: true);
        await Eventually.TrueAsync(async () => us.Gossip.SubscribersOf(Topic).Count == 1 && await SubscribesAtAsync(peer, us), what: "both know the other's topic");
        Assert.Empty(us.Gossip.MeshOf(Topic));

        foreach (var size in Sizes)
        {
            var data = new byte[size];
            new Random(size + line).NextBytes(data);
            await us.Gossip.PublishAsync(Topic, data);
            Assert.Equal(data, (await GossipPeer.NextAsync(peer.Messages)).Data);
            await peer.PublishAsync(Topic, data);
            Assert.Equal(data, (await GossipPeer.NextAsync(messages)).Data.ToArray());
        }

        Assert.Empty(us.Gossip.MeshOf(Topic));
        Assert.Empty(JsPeer.Strings(await peer.CallAsync("mesh", new { topic = Topic }), "peers"));
        Assert.True(await ScoreAtAsync(peer, us) >= 0);
        Assert.True(us.Gossip.ScoreOf(peer.PeerId) >= 0);
    }

    [SkippableFact]
    public async Task Both_lines_hear_each_other_through_us()
    {
        await using var older = await js.StartAsync(2);
        await using var newer = await js.StartAsync(3);
        await using var us = await GossipPeer.StartAsync();
        us.Subscribe(Topic);
        foreach (var peer in (JsPeer[])[older, newer])
        {
            await peer.SubscribeAsync(Topic);
            await ConnectAsync(us, peer, weDial: true);
            await UntilMeshedAsync(us, peer);
        }

        await older.PublishAsync(Topic, "from 2"u8.ToArray());
        var atNewer = await GossipPeer.NextAsync(newer.Messages);
        Assert.Equal(older.PeerId.ToString(), atNewer.From);
        await newer.PublishAsync(Topic, "from 3"u8.ToArray());
        Assert.Equal(newer.PeerId.ToString(), (await GossipPeer.NextAsync(older.Messages)).From);
        Assert.Equal(0, us.Gossip.Counters.Rejected);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_thousand_messages_reach_js_whole_and_leave_us_in_good_standing(int line)
    {
        const int Count = 1000;
        await using var peer = await js.StartAsync(line);
        await using var us = await GossipPeer.StartAsync();
        us.Subscribe(Topic);
        await peer.SubscribeAsync(Topic);
        await ConnectAsync(us, peer, weDial: true);
        await UntilMeshedAsync(us, peer);
        for (var i = 0; i < Count; i++)
        {
            await us.Gossip.PublishAsync(Topic, BitConverter.GetBytes(i));
        }

        var got = new HashSet<int>();
        while (got.Count < Count)
        {
            Assert.True(got.Add(BitConverter.ToInt32((await GossipPeer.NextAsync(peer.Messages)).Data)));
        }

        Assert.Equal(0, us.Gossip.Dropped);
        Assert.True(await ScoreAtAsync(peer, us) >= 0);
    }

    private static async Task ConnectAsync(GossipPeer us, JsPeer peer, bool weDial)
    {
        if (weDial)
        {
            await us.Network.Switch.DialAsync(peer.Addresses[0]);
        }
        else
        {
            await peer.DialAsync(us.Network.Address);
        }
    }

    private static Task UntilMeshedAsync(GossipPeer us, JsPeer peer) => Eventually.TrueAsync(
        async () => us.Gossip.MeshOf(Topic).Contains(peer.PeerId)
            && JsPeer.Strings(await peer.CallAsync("mesh", new { topic = Topic }), "peers").Contains(us.PeerId.ToString()),
        what: "each is in the other's mesh");

    private static async Task<bool> SubscribesAtAsync(JsPeer peer, GossipPeer us) =>
        JsPeer.Strings(await peer.CallAsync("subscribers", new { topic = Topic }), "peers").Contains(us.PeerId.ToString());

    private static async Task<double> ScoreAtAsync(JsPeer peer, GossipPeer us) =>
        (await peer.CallAsync("score", new { peer = us.PeerId.ToString() })).GetProperty("score").GetDouble();
}
