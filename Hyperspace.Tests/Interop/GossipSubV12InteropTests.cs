using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Tests.Libp2p.GossipSub;

namespace Hyperspace.Tests.Interop;

/// <summary>What GossipSub v1.1 and v1.2 add, against js-libp2p 3.3: IDONTWANT, peer exchange, and many js peers around one of ours.</summary>
[Collection(JsPartnerCollection.Name)]
public class GossipSubV12InteropTests(JsPartner js)
{
    private const string Topic = "hyperspace/tasks/interop";
    private const string Other = "hyperspace/tasks/other";
    private static readonly byte[] Large = new byte[1000];

    // js forgets refusals after mcacheLength heartbeats; this leaves time to look.
    private static readonly object Options = new { gossip = new { mcacheLength = 60, mcacheGossip = 3 } };

    [SkippableFact]
    public async Task Js_is_told_at_once_that_a_large_message_has_come()
    {
        await using var bringer = await js.StartAsync(3, Options);
        await using var other = await js.StartAsync(3, Options);
        await using var us = await GossipPeer.StartAsync();
        var verdict = new TaskCompletionSource<Validation>();
        us.Gossip.Validate(Topic, async (_, cancellationToken) => await verdict.Task.WaitAsync(cancellationToken));
        us.Subscribe(Topic);
        foreach (var peer in (JsPeer[])[bringer, other])
        {
            await JoinAsync(us, peer, Topic);
        }

        await bringer.PublishAsync(Topic, Large);
        await Eventually.TrueAsync(async () => await RefusalsAtAsync(other, us) == 1, what: "js has heard our IDONTWANT");
        Assert.Equal((0, 0), (us.Gossip.Counters.Delivered, await RefusalsAtAsync(bringer, us)));
        verdict.SetResult(Validation.Accept);
        Assert.Equal(Large, (await GossipPeer.NextAsync(other.Messages)).Data);
    }

    [SkippableFact]
    public async Task A_copy_that_js_does_not_want_is_not_sent_to_it()
    {
        await using var author = await js.StartAsync(3, Options);
        await using var refuser = await js.StartAsync(3, Options);
        await using var us = await GossipPeer.StartAsync();
        var verdict = new TaskCompletionSource<Validation>();
        us.Gossip.Validate(Topic, async (_, cancellationToken) => await verdict.Task.WaitAsync(cancellationToken));
        us.Subscribe(Topic);
        var (others, _) = us.Subscribe(Other);
        await JoinAsync(us, author, Topic);
        await JoinAsync(us, refuser, Topic);
        await author.DialAsync(refuser.Addresses[0]);
        await Eventually.TrueAsync(async () => JsPeer.Strings(await author.CallAsync("subscribers", new { topic = Topic }), "peers").Count == 2, what: "the js peers know each other's topic");

        // The author floods, so both get it; then the refuser tells us, and only after that, on the same stream, publishes the other message.
        await author.PublishAsync(Topic, Large);
        Assert.Equal(author.PeerId.ToString(), (await GossipPeer.NextAsync(refuser.Messages)).From);
        await refuser.PublishAsync(Other, "later"u8.ToArray());
        Assert.Equal(refuser.PeerId, (await GossipPeer.NextAsync(others)).Author);
        verdict.SetResult(Validation.Accept);
        await Eventually.TrueAsync(() => us.Gossip.Counters.Delivered == 2, what: "both messages are delivered");
        Assert.Equal(1, us.Gossip.Counters.Spared);
    }

    [SkippableFact]
    public async Task A_prune_of_js_with_peer_exchange_leads_us_to_the_peer_that_it_introduces()
    {
        var full = new { gossip = new { doPX = true, D = 1, Dlo = 1, Dhi = 1, Dscore = 1, Dout = 0 } };
        await using var pruner = await js.StartAsync(3, full);
        await using var introduced = await js.StartAsync(3);
        await pruner.SubscribeAsync(Topic);
        await introduced.SubscribeAsync(Topic);
        await introduced.DialAsync(pruner.Addresses[0]);
        await Eventually.TrueAsync(async () => JsPeer.Strings(await pruner.CallAsync("mesh", new { topic = Topic }), "peers").Count == 1, what: "the mesh is full");

        var parameters = new GossipSubParameters { Score = new PeerScoreParameters { AcceptPxThreshold = 0 } };
        await using var us = await GossipPeer.StartAsync(new GossipSubOptions { Parameters = parameters });
        us.Subscribe(Topic);
        await us.Network.Switch.DialAsync(pruner.Addresses[0]);
        await Eventually.TrueAsync(() => us.Network.Switch.ConnectedPeers.Contains(introduced.PeerId), what: "we have dialled the peer that js introduced");
        Assert.DoesNotContain(pruner.PeerId, us.Gossip.MeshOf(Topic));
    }

    [SkippableFact]
    public async Task Twenty_js_peers_around_one_of_ours_hear_each_other_and_us()
    {
        const int Count = 20;
        await using var host = await js.StartAsync(3);
        await using var us = await GossipPeer.StartAsync();
        var (messages, _) = us.Subscribe(Topic);
        var peers = JsPeer.Strings(await host.CallAsync("swarmJoin", new { count = Count, ma = us.Network.Address.ToString(), topic = Topic }), "peers");
        await Eventually.TrueAsync(() => us.Gossip.SubscribersOf(Topic).Count == Count, what: "all twenty subscribe");
        await Eventually.TrueAsync(() => us.Gossip.MeshOf(Topic).Count > 0, what: "a mesh has formed");
        await us.Gossip.PublishAsync(Topic, "ours"u8.ToArray());
        await host.CallAsync("swarmPublish", new { topic = Topic });
        var authors = new HashSet<string>();
        while (authors.Count < Count)
        {
            Assert.True(authors.Add((await GossipPeer.NextAsync(messages)).Author.ToString()));
        }

        Assert.Equal(peers.ToHashSet(), authors);
        await Eventually.TrueAsync(
            async () => (await host.CallAsync("swarmReceived")).GetProperty("counts").EnumerateArray().All(c => c.GetInt32() == Count),
            what: "each of the twenty has heard the nineteen others and us");
        var scores = (await host.CallAsync("swarmScores", new { peer = us.PeerId.ToString() })).GetProperty("scores").EnumerateArray();
        Assert.All(scores, s => Assert.True(s.GetDouble() >= 0));
        Assert.All(us.Gossip.Scores(), s => Assert.Equal(0, s.Colocation));
    }

    private static async Task JoinAsync(GossipPeer us, JsPeer peer, string topic)
    {
        await peer.SubscribeAsync(topic);
        await us.Network.Switch.DialAsync(peer.Addresses[0]);
        await Eventually.TrueAsync(
            async () => us.Gossip.MeshOf(topic).Contains(peer.PeerId) && JsPeer.Strings(await peer.CallAsync("mesh", new { topic }), "peers").Contains(us.PeerId.ToString()),
            what: "each is in the other's mesh");
    }

    private static async Task<int> RefusalsAtAsync(JsPeer peer, GossipPeer us) =>
        (await peer.CallAsync("idontwants", new { peer = us.PeerId.ToString() })).GetProperty("count").GetInt32();
}
