using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>How a mesh is made, kept and left.</summary>
public class GossipSubMeshTests : RouterFixture
{
    [Fact]
    public void Joining_grafts_up_to_D_and_tells_every_peer()
    {
        AddSubscribers(20);
        var effects = Subscribe();
        Assert.Equal(Parameters.D, Router.MeshOf(Topic).Count);
        Assert.Equal(20, effects.Count(e => e.Control!.Subscriptions!.Contains(new TopicSubscription(Topic, true))));
        Assert.Equal(Router.MeshOf(Topic).ToHashSet(), effects.Where(e => e.Control!.Graft is not null).Select(e => e.Peer).ToHashSet());
    }

    [Fact]
    public void A_mesh_that_peers_grafted_beyond_Dhi_is_pruned_to_D_and_keeps_Dout_outbound_peers()
    {
        for (var i = 1; i <= 20; i++)
        {
            Add(i, GossipSubVersion.V11, outbound: i > 17);
            Receive(i, new GossipRpc { Subscriptions = [new(Topic, true)] });
        }

        Subscribe();
        for (var i = 1; i <= 20; i++)
        {
            Receive(i, new GossipRpc { Graft = [Topic] });
        }

        Assert.InRange(Router.MeshOf(Topic).Count, Parameters.Dhi + 1, Parameters.Dhi + 3);
        var effects = Beat();
        Assert.Equal(Parameters.D, Router.MeshOf(Topic).Count);
        Assert.InRange(Router.MeshOf(Topic).Count(p => Enumerable.Range(18, 3).Any(i => p == Peer(i))), Parameters.Dout, 3);
        Assert.All(effects.Where(e => e.Control?.Prune is not null), e => Assert.Equal([new Prune(Topic, 60)], e.Control!.Prune));
    }

    [Fact]
    public void A_graft_into_a_full_mesh_is_pruned_with_backoff()
    {
        Subscribe();
        for (var i = 1; i <= Parameters.Dhi; i++)
        {
            Add(i);
            Assert.Empty(Receive(i, new GossipRpc { Graft = [Topic] }));
        }

        Add(50);
        var answer = Assert.Single(Receive(50, new GossipRpc { Graft = [Topic] }));
        Assert.Equal([new Prune(Topic, 60)], answer.Control!.Prune);
        Assert.DoesNotContain(Peer(50), Router.MeshOf(Topic));
        Assert.Equal(0, ScoreOf(50));
    }

    [Fact]
    public void A_pruned_peer_is_not_grafted_again_until_its_backoff_is_over()
    {
        AddSubscribers(1);
        Subscribe();
        Receive(1, new GossipRpc { Prune = [new(Topic, 30)] });
        Assert.Empty(Router.MeshOf(Topic));
        for (var second = 0; second < 30; second++)
        {
            Beat();
            Assert.Empty(Router.MeshOf(Topic));
        }

        Beat();
        Beat();
        Assert.Single(Router.MeshOf(Topic));
    }

    [Fact]
    public void A_remotes_backoff_is_capped_at_an_hour()
    {
        AddSubscribers(1);
        Subscribe();
        Receive(1, new GossipRpc { Prune = [new(Topic, ulong.MaxValue)] });
        Now += 3_602_000;
        Beat();
        Assert.Single(Router.MeshOf(Topic));
    }

    [Fact]
    public void Leaving_prunes_the_mesh_with_the_short_backoff_and_rejoining_respects_it()
    {
        AddSubscribers(3);
        Subscribe();
        var effects = Do((r, e) => r.Unsubscribe(Topic, Now, e));
        Assert.Equal(3, effects.Count(e => e.Control!.Prune!.Contains(new Prune(Topic, 10)) && e.Control.Subscriptions!.Contains(new TopicSubscription(Topic, false))));
        Subscribe();
        Assert.Empty(Router.MeshOf(Topic));
        Now += 11_000;
        Beat();
        Assert.Equal(3, Router.MeshOf(Topic).Count);
    }

    [Fact]
    public void A_floodsub_peer_gets_messages_but_is_never_in_a_mesh_and_its_control_is_ignored()
    {
        Add(1, GossipSubVersion.Floodsub, outbound: false);
        Receive(1, new GossipRpc { Subscriptions = [new(Topic, true)] });
        AddSubscribers(1, from: 2);
        Subscribe();
        Receive(1, new GossipRpc { Graft = [Topic] });
        Beat();
        Assert.Equal([Peer(2)], Router.MeshOf(Topic));
        Assert.Contains(Message(2, GossipKeys.Message(9, Topic, 1)), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == Peer(1));
    }

    [Fact]
    public void A_v10_peer_is_pruned_without_a_backoff_field()
    {
        Add(1, GossipSubVersion.V10, outbound: false);
        Receive(1, new GossipRpc { Subscriptions = [new(Topic, true)] });
        Subscribe();
        var effects = Do((r, e) => r.Unsubscribe(Topic, Now, e));
        Assert.Equal([new Prune(Topic, null)], Assert.Single(effects).Control!.Prune);
    }

    [Fact]
    public void A_peer_with_a_negative_score_leaves_the_mesh_and_a_good_application_score_attracts_opportunistic_grafts()
    {
        var scores = new Dictionary<Hyperspace.Libp2p.PeerId, double>();
        var parameters = Parameters with { Score = new PeerScoreParameters { AppSpecificScore = p => scores.GetValueOrDefault(p) } };
        Use(parameters);
        AddSubscribers(20);
        Subscribe();
        var bad = Router.MeshOf(Topic).First();
        scores[bad] = -1;
        Beat();
        Assert.DoesNotContain(bad, Router.MeshOf(Topic));

        var good = Enumerable.Range(1, 20).Select(Peer).Where(p => p != bad && !Router.MeshOf(Topic).Contains(p)).Take(2).ToList();
        good.ForEach(p => scores[p] = 1);
        for (var i = 0; i < 60; i++)
        {
            Beat();
        }

        Assert.Superset(good.ToHashSet(), Router.MeshOf(Topic).ToHashSet());
    }
}
