using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Peer exchange on PRUNE, and direct peers.</summary>
public class GossipSubPxTests : RouterFixture
{
    private static readonly byte[] Record = [1, 2, 3];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_graft_into_a_full_mesh_is_pruned_with_an_introduction_to_peers_in_good_standing_if_so_configured(bool doPx)
    {
        Use(Parameters with { DoPx = doPx }, signedRecordOf: peer => peer == Peer(1) ? Record : null);
        AddSubscribers(Parameters.Dhi + 8);
        Subscribe();
        for (var i = 1; i <= Parameters.Dhi; i++)
        {
            Receive(i, new GossipRpc { Graft = [Topic] });
        }

        var bad = Parameters.Dhi + 7;
        Message(bad, GossipKeys.Forged(GossipKeys.Message(50, Topic, 1, "x"u8)));
        Add(40);
        var prune = Assert.Single(Assert.Single(Receive(40, new GossipRpc { Graft = [Topic] })).Control!.Prune!);
        if (!doPx)
        {
            Assert.Null(prune.Peers);
            return;
        }

        Assert.Equal(Parameters.PxPeers, prune.Peers!.Count);
        Assert.DoesNotContain(prune.Peers, p => p.Peer == Peer(bad) || p.Peer == Peer(40));
        Assert.All(prune.Peers, p => Assert.Equal(p.Peer == Peer(1) ? Record : null, p.SignedRecord));
    }

    [Fact]
    public void A_peer_of_bad_standing_and_one_in_backoff_are_introduced_to_nobody()
    {
        Use(Parameters with { DoPx = true });
        AddSubscribers(3);
        Subscribe();
        Message(1, GossipKeys.Forged(GossipKeys.Message(50, Topic, 1, "x"u8)));
        var pruned = Assert.Single(Beat(), e => e.Control?.Prune is not null);
        Assert.Equal((Peer(1), null), (pruned.Peer, Assert.Single(pruned.Control!.Prune!).Peers));
        Receive(2, new GossipRpc { Prune = [new(Topic, 60)] });
        Assert.Null(Assert.Single(Assert.Single(Receive(2, new GossipRpc { Graft = [Topic] })).Control!.Prune!).Peers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Leaving_a_topic_introduces_the_mesh_to_each_other_only_if_so_configured(bool onUnsubscribe)
    {
        Use(Parameters with { DoPx = true, PxOnUnsubscribe = onUnsubscribe });
        AddSubscribers(2);
        Subscribe();
        var effects = Do((r, e) => r.Unsubscribe(Topic, Now, e));
        Assert.All(effects, e => Assert.Equal(onUnsubscribe, Assert.Single(e.Control!.Prune!).Peers is not null));
    }

    [Theory]
    [InlineData(1.0, true)]
    [InlineData(0.9, false)]
    public void Introductions_are_followed_when_who_makes_them_has_earned_it(double opinion, bool followed)
    {
        Use(Parameters with { Score = new PeerScoreParameters { AppSpecificScore = _ => opinion } });
        AddSubscribers(2);
        Subscribe();
        var effects = Receive(1, new GossipRpc { Prune = [new(Topic, 60, [new(Peer(30), Record), new(Peer(30), null), new(Peer(0), null), new(Peer(2), null)])] });
        Assert.Equal(followed ? [new GossipEffect(GossipEffectKind.Connect, Peer(30), null, null, Record)] : [], effects);
    }

    [Fact]
    public void Introductions_survive_the_wire()
    {
        var prune = new Prune(Topic, 60, [new(Peer(1), Record), new(Peer(2), null)]);
        var frame = Assert.Single(GossipRpcCodec.EncodeControl(new GossipRpc { Prune = [prune], IDontWant = [new byte[] { 7 }] }, 1 << 20));
        var read = GossipRpcCodec.Decode(frame.AsSpan(1), new TopicTable(), new GossipSubParameters())!;
        Assert.Equal((Topic, 60UL), (read.Prune![0].Topic, read.Prune[0].BackoffSeconds!.Value));
        Assert.Equal([Peer(1), Peer(2)], read.Prune[0].Peers!.Select(p => p.Peer));
        Assert.Equal([Record, null], read.Prune[0].Peers!.Select(p => p.SignedRecord));
        Assert.Equal([7], Assert.Single(read.IDontWant!).ToArray());
    }

    [Fact]
    public void A_direct_peer_gets_every_message_whatever_its_score_and_is_never_in_the_mesh()
    {
        Use(Parameters with { DirectPeers = new HashSet<Hyperspace.Libp2p.PeerId> { Peer(1) } });
        AddSubscribers(2);
        Subscribe();
        for (ulong i = 0; i < 20; i++)
        {
            Message(1, GossipKeys.Forged(GossipKeys.Message(50, Topic, i, "x"u8)));
        }

        Assert.Equal([Peer(2)], Router.MeshOf(Topic));
        Assert.Contains(Message(2, GossipKeys.Message(50, Topic, 100)), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == Peer(1));
        Assert.Contains(Message(1, GossipKeys.Message(50, Topic, 101)), e => e.Kind == GossipEffectKind.Deliver);
        Assert.Equal([Peer(1), Peer(2)], Publish(GossipKeys.Message(0, Topic, 1)).Select(e => e.Peer).OrderByDescending(p => p == Peer(1)));
        Assert.NotNull(Assert.Single(Receive(1, new GossipRpc { Graft = [Topic] })).Control!.Prune);
        Assert.Equal([Peer(2)], Router.MeshOf(Topic));
    }

    [Fact]
    public void A_direct_peer_that_is_away_is_dialled_at_the_first_heartbeat_and_now_and_then()
    {
        Use(Parameters with { DirectPeers = new HashSet<Hyperspace.Libp2p.PeerId> { Peer(1) }, DirectConnectTicks = 10 });
        Assert.Equal([new GossipEffect(GossipEffectKind.Connect, Peer(1), null, null)], Beat());
        Assert.Empty(Beat(9));
        Assert.Single(Beat());
        Add(1);
        Assert.DoesNotContain(Beat(10), e => e.Kind == GossipEffectKind.Connect);
    }
}
