using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>One router; the test plays its peers. The router is peer 0.</summary>
public class GossipSubRouterTests
{
    private const string Topic = "t";
    private readonly GossipSubParameters _parameters = new() { FloodPublish = false };
    private readonly List<GossipEffect> _effects = [];
    private GossipSubRouter _router;
    private long _now = 1000;

    public GossipSubRouterTests() => _router = new GossipSubRouter(GossipKeys.Peer(0), _parameters, new Random(1));

    [Fact]
    public void Joining_grafts_up_to_D_and_tells_every_peer()
    {
        AddSubscribers(20);
        var effects = Do(r => r.Subscribe(Topic, _now, _effects));
        Assert.Equal(_parameters.D, _router.MeshOf(Topic).Count);
        Assert.Equal(20, effects.Count(e => e.Control!.Subscriptions!.Contains(new TopicSubscription(Topic, true))));
        Assert.Equal(_router.MeshOf(Topic).ToHashSet(), effects.Where(e => e.Control!.Graft is not null).Select(e => e.Peer).ToHashSet());
    }

    [Fact]
    public void A_mesh_that_peers_grafted_beyond_Dhi_is_pruned_to_D_and_keeps_Dout_outbound_peers()
    {
        for (var i = 1; i <= 20; i++)
        {
            _router.AddPeer(GossipKeys.Peer(i), GossipSubVersion.V11, outbound: i > 17, _effects);
            Receive(i, new GossipRpc { Subscriptions = [new(Topic, true)] });
        }

        Do(r => r.Subscribe(Topic, _now, _effects));
        for (var i = 1; i <= 20; i++)
        {
            Receive(i, new GossipRpc { Graft = [Topic] });
        }

        Assert.InRange(_router.MeshOf(Topic).Count, _parameters.Dhi + 1, _parameters.Dhi + 3);
        var effects = Beat();
        Assert.Equal(_parameters.D, _router.MeshOf(Topic).Count);
        Assert.InRange(_router.MeshOf(Topic).Count(p => Enumerable.Range(18, 3).Any(i => p == GossipKeys.Peer(i))), _parameters.Dout, 3);
        Assert.All(effects.Where(e => e.Control?.Prune is not null), e => Assert.Equal([new Prune(Topic, 60)], e.Control!.Prune));
    }

    [Fact]
    public void A_graft_into_a_full_mesh_is_pruned_with_backoff()
    {
        Do(r => r.Subscribe(Topic, _now, _effects));
        for (var i = 1; i <= _parameters.Dhi; i++)
        {
            Add(i);
            Assert.Empty(Receive(i, new GossipRpc { Graft = [Topic] }));
        }

        Add(50);
        var answer = Assert.Single(Receive(50, new GossipRpc { Graft = [Topic] }));
        Assert.Equal([new Prune(Topic, 60)], answer.Control!.Prune);
        Assert.DoesNotContain(GossipKeys.Peer(50), _router.MeshOf(Topic));
        Assert.Equal(0, _router.ScoreOf(GossipKeys.Peer(50)));
    }

    [Fact]
    public void A_pruned_peer_is_not_grafted_again_until_its_backoff_is_over()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Receive(1, new GossipRpc { Prune = [new(Topic, 30)] });
        Assert.Empty(_router.MeshOf(Topic));
        for (var second = 0; second < 30; second++)
        {
            Beat();
            Assert.Empty(_router.MeshOf(Topic));
        }

        Beat();
        Beat();
        Assert.Single(_router.MeshOf(Topic));
    }

    [Fact]
    public void A_remotes_backoff_is_capped_at_an_hour()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Receive(1, new GossipRpc { Prune = [new(Topic, ulong.MaxValue)] });
        _now += 3_602_000;
        Beat();
        Assert.Single(_router.MeshOf(Topic));
    }

    [Fact]
    public void A_graft_during_backoff_is_refused_and_penalised_twice_when_it_follows_at_once()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Receive(1, new GossipRpc { Prune = [new(Topic, 60)] });
        _now += 2000;
        var answer = Assert.Single(Receive(1, new GossipRpc { Graft = [Topic] }));
        Assert.Equal([new Prune(Topic, 60)], answer.Control!.Prune);
        Assert.Equal(-10 * 2 * 2, _router.ScoreOf(GossipKeys.Peer(1)));

        _now += 30_000;
        Receive(1, new GossipRpc { Graft = [Topic] });
        Assert.Equal(-10 * 3 * 3, _router.ScoreOf(GossipKeys.Peer(1)));
    }

    [Fact]
    public void A_peer_that_floods_grafts_is_graylisted_and_forgiven_as_its_penalty_decays()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Receive(1, new GossipRpc { Prune = [new(Topic, 60)] });
        for (var i = 0; i < 10; i++)
        {
            Receive(1, new GossipRpc { Graft = [Topic] });
        }

        Assert.True(_router.ScoreOf(GossipKeys.Peer(1)) < -80);
        Assert.Empty(Receive(1, new GossipRpc { Graft = [Topic] }));
        Assert.Empty(Message(1, GossipKeys.Message(5, Topic, 1)));
        for (var i = 0; i < 5; i++)
        {
            Beat();
        }

        Assert.Equal(0, _router.ScoreOf(GossipKeys.Peer(1)));
        Assert.Contains(Message(1, GossipKeys.Message(5, Topic, 1)), e => e.Kind == GossipEffectKind.Deliver);
    }

    [Fact]
    public void A_bad_score_outlives_the_connection()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Message(1, GossipKeys.Forged(GossipKeys.Message(5, Topic, 1, "x"u8)));
        var score = _router.ScoreOf(GossipKeys.Peer(1));
        Assert.Equal(-1, score);
        _router.RemovePeer(GossipKeys.Peer(1), _now);
        _now += 60_000;
        Beat();
        Add(1);
        Assert.Equal(score, _router.ScoreOf(GossipKeys.Peer(1)));

        _router.RemovePeer(GossipKeys.Peer(1), _now);
        _now += 3_601_000;
        Beat();
        Add(1);
        Assert.Equal(0, _router.ScoreOf(GossipKeys.Peer(1)));
    }

    [Fact]
    public void A_graft_for_a_topic_that_this_peer_does_not_know_gets_no_answer()
    {
        Add(1);
        Assert.Empty(Receive(1, new GossipRpc { Graft = ["unknown", "another"], Prune = [new("unknown", 1)] }));
        Assert.Empty(_router.MeshOf("unknown"));
    }

    [Fact]
    public void Leaving_prunes_the_mesh_with_the_short_backoff_and_rejoining_respects_it()
    {
        AddSubscribers(3);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var effects = Do(r => r.Unsubscribe(Topic, _now, _effects));
        Assert.Equal(3, effects.Count(e => e.Control!.Prune!.Contains(new Prune(Topic, 10)) && e.Control.Subscriptions!.Contains(new TopicSubscription(Topic, false))));
        Do(r => r.Subscribe(Topic, _now, _effects));
        Assert.Empty(_router.MeshOf(Topic));
        _now += 11_000;
        Beat();
        Assert.Equal(3, _router.MeshOf(Topic).Count);
    }

    [Fact]
    public void A_new_message_is_delivered_once_and_forwarded_to_the_mesh_but_not_back_nor_to_its_author()
    {
        AddSubscribers(5);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(2, Topic, 1, "x"u8);
        var effects = Message(1, message);
        Assert.Single(effects, e => e.Kind == GossipEffectKind.Deliver);
        Assert.Equal(new[] { 3, 4, 5 }.Select(GossipKeys.Peer).ToHashSet(), effects.Where(e => e.Kind == GossipEffectKind.SendMessage).Select(e => e.Peer).ToHashSet());
        Assert.Empty(Message(3, message));
        Assert.Equal((1, 1), (_router.Delivered, _router.Duplicates));
    }

    [Fact]
    public void A_message_is_remembered_for_two_minutes_at_least()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(9, Topic, 1);
        Message(1, message);
        for (var i = 0; i < 119; i++)
        {
            Beat();
        }

        Assert.Empty(Message(1, message));
        for (var i = 0; i < 90; i++)
        {
            Beat();
        }

        Assert.NotEmpty(Message(1, message));
    }

    [Fact]
    public void A_forged_message_is_rejected_and_does_not_shut_out_the_real_one()
    {
        AddSubscribers(2);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(9, Topic, 1, "real"u8);
        Assert.Empty(Message(1, GossipKeys.Forged(message)));
        Assert.Equal((1, -1), (_router.Rejected, _router.ScoreOf(GossipKeys.Peer(1))));
        Assert.Contains(Message(2, GossipKeys.Received(message)), e => e.Kind == GossipEffectKind.Deliver);
    }

    [Fact]
    public void Unsigned_oversized_and_own_messages_are_dropped()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Assert.Empty(Message(1, GossipMessage.Parse([0x22, 1, (byte)'t'], new TopicTable(), 256, MessageIdForm.KeyAndSequence)!));
        Assert.Empty(Message(1, GossipKeys.Message(9, Topic, 1, new byte[_parameters.MaxMessageSize + 1])));
        Assert.Equal(2, _router.Rejected);
        Assert.Empty(Message(1, GossipKeys.Message(0, Topic, 1)));
        Assert.Equal(2, _router.Rejected);
    }

    [Fact]
    public void Messages_of_topics_that_were_not_joined_are_ignored()
    {
        AddSubscribers(1);
        Assert.Empty(Message(1, GossipKeys.Message(9, Topic, 1)));
        Assert.Equal(0, _router.Rejected);
    }

    [Theory]
    [InlineData(Validation.Accept, 3, 0)]
    [InlineData(Validation.Ignore, 0, 0)]
    [InlineData(Validation.Reject, 0, -1)]
    public void A_validators_verdict_decides_about_delivery_and_score(Validation verdict, int effectCount, double score)
    {
        _router = new GossipSubRouter(GossipKeys.Peer(0), _parameters, new Random(1), null, topic => topic == Topic);
        AddSubscribers(3);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var asked = Assert.Single(Message(1, GossipKeys.Message(9, Topic, 1)));
        Assert.Equal(GossipEffectKind.Validate, asked.Kind);
        var effects = Do(r => r.Validated(asked.Peer, asked.Message!, verdict, _now, _effects));
        Assert.Equal(effectCount, effects.Count);
        Assert.Equal(score, _router.ScoreOf(GossipKeys.Peer(1)));
    }

    [Fact]
    public void Gossip_announces_to_peers_outside_the_mesh_and_iwant_gets_the_message_three_times()
    {
        AddSubscribers(20);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(0, Topic, 1, "x"u8);
        Do(r => r.Publish(message, _now, _effects));
        var announced = Beat().Where(e => e.Control?.IHave is not null).ToList();
        Assert.Equal(_parameters.Dlazy, announced.Count);
        Assert.All(announced, e => Assert.Equal(message.Id.ToArray(), Assert.Single(Assert.Single(e.Control!.IHave!).Ids).ToArray()));
        Assert.DoesNotContain(announced, e => _router.MeshOf(Topic).Contains(e.Peer));

        var asker = announced[0].Peer;
        var answers = 0;
        for (var i = 0; i < 10; i++)
        {
            answers += Do(r => r.Receive(asker, new GossipRpc { IWant = [message.Id] }, _now, _effects)).Count(e => e.Message == message);
        }

        Assert.Equal(_parameters.GossipRetransmission, answers);
    }

    [Fact]
    public void A_message_is_announced_for_three_heartbeats_and_can_be_asked_for_during_five()
    {
        AddSubscribers(20);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(0, Topic, 1);
        Do(r => r.Publish(message, _now, _effects));
        for (var beat = 1; beat <= 6; beat++)
        {
            Assert.Equal(beat <= 3, Beat().Any(e => e.Control?.IHave is not null));
            var asker = GossipKeys.Peer(beat);
            Assert.Equal(beat < 5, Do(r => r.Receive(asker, new GossipRpc { IWant = [message.Id] }, _now, _effects)).Any(e => e.Message == message));
        }
    }

    [Fact]
    public void An_announced_message_is_asked_for_once_and_a_broken_promise_costs_score()
    {
        AddSubscribers(2);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var message = GossipKeys.Message(9, Topic, 1);
        var asked = Assert.Single(Receive(1, new GossipRpc { IHave = [new(Topic, [message.Id, message.Id])] }));
        Assert.Equal(message.Id.ToArray(), Assert.Single(asked.Control!.IWant!).ToArray());
        Receive(2, new GossipRpc { IHave = [new(Topic, [GossipKeys.Message(9, Topic, 2).Id])] });

        // Peer 1's message comes, from another; peer 2's does not.
        Message(2, message);
        Assert.Empty(Receive(1, new GossipRpc { IHave = [new(Topic, [message.Id])] }));
        _now += 3000;
        Beat();
        Assert.Equal(0, _router.ScoreOf(GossipKeys.Peer(1)));
        Assert.True(_router.ScoreOf(GossipKeys.Peer(2)) < 0);
    }

    [Fact]
    public void A_flood_of_ihave_makes_this_peer_ask_for_a_limited_number_per_heartbeat()
    {
        AddSubscribers(1);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var number = 0;
        int Ask(int ids) => Receive(1, new GossipRpc { IHave = [new(Topic, Ids(ids))] }).Sum(e => e.Control!.IWant!.Count);
        List<ReadOnlyMemory<byte>> Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => (ReadOnlyMemory<byte>)BitConverter.GetBytes(number++))];

        Assert.Equal(5000, Ask(4000) + Ask(4000) + Ask(4000));
        Beat();
        Assert.Equal(10, Enumerable.Range(0, 30).Sum(_ => Ask(1)));
        Beat();
        Assert.Equal(1, Ask(1));
    }

    [Fact]
    public void Ihave_of_unknown_topics_is_ignored()
    {
        AddSubscribers(1);
        Assert.Empty(Receive(1, new GossipRpc { IHave = [new(Topic, [new byte[44]])] }));
    }

    [Fact]
    public void Publishing_without_joining_uses_a_fanout_that_is_forgotten_after_a_minute()
    {
        AddSubscribers(20);
        var first = Do(r => r.Publish(GossipKeys.Message(0, Topic, 1), _now, _effects)).Select(e => e.Peer).ToHashSet();
        Assert.Equal(_parameters.D, first.Count);
        Beat();
        var second = Do(r => r.Publish(GossipKeys.Message(0, Topic, 2), _now, _effects)).Select(e => e.Peer).ToHashSet();
        Assert.Equal(first, second);
        for (var i = 0; i < 61; i++)
        {
            Beat();
        }

        Assert.Empty(_router.FanoutOf(Topic));
        Do(r => r.Publish(GossipKeys.Message(0, Topic, 3), _now, _effects));
        var fanout = _router.FanoutOf(Topic).ToHashSet();
        Do(r => r.Subscribe(Topic, _now, _effects));
        Assert.Equal(fanout, _router.MeshOf(Topic).ToHashSet());
        Assert.Empty(_router.FanoutOf(Topic));
    }

    [Fact]
    public void Flood_publish_reaches_every_subscriber()
    {
        _router = new GossipSubRouter(GossipKeys.Peer(0), new GossipSubParameters(), new Random(1));
        AddSubscribers(20);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Assert.Equal(20, Do(r => r.Publish(GossipKeys.Message(0, Topic, 1), _now, _effects)).Count);
    }

    [Fact]
    public void A_floodsub_peer_gets_messages_but_is_never_in_a_mesh_and_its_control_is_ignored()
    {
        _router.AddPeer(GossipKeys.Peer(1), GossipSubVersion.Floodsub, outbound: false, _effects);
        Receive(1, new GossipRpc { Subscriptions = [new(Topic, true)] });
        AddSubscribers(1, from: 2);
        Do(r => r.Subscribe(Topic, _now, _effects));
        Receive(1, new GossipRpc { Graft = [Topic] });
        Beat();
        Assert.Equal([GossipKeys.Peer(2)], _router.MeshOf(Topic));
        Assert.Contains(Message(2, GossipKeys.Message(9, Topic, 1)), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == GossipKeys.Peer(1));
    }

    [Fact]
    public void A_v10_peer_is_pruned_without_a_backoff_field()
    {
        _router.AddPeer(GossipKeys.Peer(1), GossipSubVersion.V10, outbound: false, _effects);
        Receive(1, new GossipRpc { Subscriptions = [new(Topic, true)] });
        Do(r => r.Subscribe(Topic, _now, _effects));
        var effects = Do(r => r.Unsubscribe(Topic, _now, _effects));
        Assert.Equal([new Prune(Topic, null)], Assert.Single(effects).Control!.Prune);
    }

    [Fact]
    public void Subscriptions_per_peer_are_limited_and_forgotten_when_it_leaves()
    {
        Add(1);
        Receive(1, new GossipRpc { Subscriptions = [.. Enumerable.Range(0, 3000).Select(i => new TopicSubscription($"t{i}", true))] });
        Assert.Single(_router.SubscribersOf("t2047"));
        Assert.Empty(_router.SubscribersOf("t2048"));
        _router.RemovePeer(GossipKeys.Peer(1), _now);
        Assert.Empty(_router.SubscribersOf("t1"));
    }

    [Fact]
    public void A_new_peer_is_told_the_topics()
    {
        Do(r => r.Subscribe(Topic, _now, _effects));
        var hello = Assert.Single(Do(r => r.AddPeer(GossipKeys.Peer(1), GossipSubVersion.V11, true, _effects)));
        Assert.Equal([new TopicSubscription(Topic, true)], hello.Control!.Subscriptions);
        Assert.Empty(Do(r => r.AddPeer(GossipKeys.Peer(1), GossipSubVersion.V11, true, _effects)));
    }

    [Fact]
    public void A_peer_with_a_negative_score_leaves_the_mesh_and_a_good_application_score_attracts_opportunistic_grafts()
    {
        var scores = new Dictionary<Hyperspace.Libp2p.PeerId, double>();
        var parameters = _parameters with { Score = new PeerScoreParameters { AppSpecificScore = p => scores.GetValueOrDefault(p) } };
        _router = new GossipSubRouter(GossipKeys.Peer(0), parameters, new Random(1));
        AddSubscribers(20);
        Do(r => r.Subscribe(Topic, _now, _effects));
        var bad = _router.MeshOf(Topic).First();
        scores[bad] = -1;
        Beat();
        Assert.DoesNotContain(bad, _router.MeshOf(Topic));

        var good = Enumerable.Range(1, 20).Select(GossipKeys.Peer).Where(p => p != bad && !_router.MeshOf(Topic).Contains(p)).Take(2).ToList();
        good.ForEach(p => scores[p] = 1);
        for (var i = 0; i < 60; i++)
        {
            Beat();
        }

        Assert.Superset(good.ToHashSet(), _router.MeshOf(Topic).ToHashSet());
    }

    private void Add(int peer)
    {
        _router.AddPeer(GossipKeys.Peer(peer), GossipSubVersion.V11, outbound: false, _effects);
        _effects.Clear();
    }

    private void AddSubscribers(int count, int from = 1)
    {
        for (var i = from; i < from + count; i++)
        {
            Add(i);
            Receive(i, new GossipRpc { Subscriptions = [new(Topic, true)] });
        }
    }

    private List<GossipEffect> Receive(int peer, GossipRpc rpc) => Do(r => r.Receive(GossipKeys.Peer(peer), rpc, _now, _effects));

    private List<GossipEffect> Message(int peer, GossipMessage message) => Do(r => r.ReceiveMessage(GossipKeys.Peer(peer), message, _now, _effects));

    private List<GossipEffect> Beat()
    {
        _now += 1000;
        return Do(r => r.Heartbeat(_now, _effects));
    }

    private List<GossipEffect> Do(Action<GossipSubRouter> act)
    {
        _effects.Clear();
        act(_router);
        var effects = _effects.ToList();
        _effects.Clear();
        return effects;
    }
}
