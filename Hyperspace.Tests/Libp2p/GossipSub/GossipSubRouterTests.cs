using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Membership, delivery, forwarding and publishing.</summary>
public class GossipSubRouterTests : RouterFixture
{
    [Fact]
    public void A_bad_score_outlives_the_connection()
    {
        AddSubscribers(1);
        Subscribe();
        Message(1, GossipKeys.Forged(GossipKeys.Message(5, Topic, 1, "x"u8)));
        var score = ScoreOf(1);
        Assert.Equal(-1, score);
        Router.RemovePeer(Peer(1), Now);
        Now += 60_000;
        Beat();
        Add(1);
        Assert.Equal(score, ScoreOf(1));

        Router.RemovePeer(Peer(1), Now);
        Now += 3_601_000;
        Beat();
        Add(1);
        Assert.Equal(0, ScoreOf(1));
    }

    [Fact]
    public void A_new_message_is_delivered_once_and_forwarded_to_the_mesh_but_not_back_nor_to_its_author()
    {
        AddSubscribers(5);
        Subscribe();
        var message = GossipKeys.Message(2, Topic, 1, "x"u8);
        var effects = Message(1, message);
        Assert.Single(effects, e => e.Kind == GossipEffectKind.Deliver);
        Assert.Equal(new[] { 3, 4, 5 }.Select(Peer).ToHashSet(), effects.Where(e => e.Kind == GossipEffectKind.SendMessage).Select(e => e.Peer).ToHashSet());
        Assert.Empty(Message(3, message));
        Assert.Equal((1, 1), (Router.Delivered, Router.Duplicates));
    }

    [Fact]
    public void A_message_is_remembered_for_two_minutes_at_least()
    {
        AddSubscribers(1);
        Subscribe();
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
        Subscribe();
        var message = GossipKeys.Message(9, Topic, 1, "real"u8);
        Assert.Empty(Message(1, GossipKeys.Forged(message)));
        Assert.Equal((1, -1), (Router.Rejected, ScoreOf(1)));
        Assert.Contains(Message(2, GossipKeys.Received(message)), e => e.Kind == GossipEffectKind.Deliver);
    }

    [Fact]
    public void Unsigned_oversized_and_own_messages_are_dropped()
    {
        AddSubscribers(1);
        Subscribe();
        Assert.Empty(Message(1, GossipMessage.Parse([0x22, 1, (byte)'t'], new TopicTable(), 256, MessageIdForm.KeyAndSequence)!));
        Assert.Empty(Message(1, GossipKeys.Message(9, Topic, 1, new byte[Parameters.MaxMessageSize + 1])));
        Assert.Equal(2, Router.Rejected);
        Assert.Empty(Message(1, GossipKeys.Message(0, Topic, 1)));
        Assert.Equal(2, Router.Rejected);
    }

    [Fact]
    public void Messages_of_topics_that_were_not_joined_are_ignored()
    {
        AddSubscribers(1);
        Assert.Empty(Message(1, GossipKeys.Message(9, Topic, 1)));
        Assert.Equal(0, Router.Rejected);
    }

    [Theory]
    [InlineData(Validation.Accept, 3, 0)]
    [InlineData(Validation.Ignore, 0, 0)]
    [InlineData(Validation.Reject, 0, -1)]
    public void A_validators_verdict_decides_about_delivery_and_score(Validation verdict, int effectCount, double score)
    {
        Use(Parameters, topic => topic == Topic);
        AddSubscribers(3);
        Subscribe();
        var asked = Assert.Single(Message(1, GossipKeys.Message(9, Topic, 1)));
        Assert.Equal(GossipEffectKind.Validate, asked.Kind);
        var effects = Do((r, e) => r.Validated(asked.Peer, asked.Message!, verdict, Now, e));
        Assert.Equal(effectCount, effects.Count);
        Assert.Equal(score, ScoreOf(1));
    }

    [Fact]
    public void Publishing_without_joining_uses_a_fanout_that_is_forgotten_after_a_minute()
    {
        AddSubscribers(20);
        var first = Publish(GossipKeys.Message(0, Topic, 1)).Select(e => e.Peer).ToHashSet();
        Assert.Equal(Parameters.D, first.Count);
        Beat();
        var second = Publish(GossipKeys.Message(0, Topic, 2)).Select(e => e.Peer).ToHashSet();
        Assert.Equal(first, second);
        for (var i = 0; i < 61; i++)
        {
            Beat();
        }

        Assert.Empty(Router.FanoutOf(Topic));
        Publish(GossipKeys.Message(0, Topic, 3));
        var fanout = Router.FanoutOf(Topic).ToHashSet();
        Subscribe();
        Assert.Equal(fanout, Router.MeshOf(Topic).ToHashSet());
        Assert.Empty(Router.FanoutOf(Topic));
    }

    [Fact]
    public void Flood_publish_reaches_every_subscriber()
    {
        Use(new GossipSubParameters());
        AddSubscribers(20);
        Subscribe();
        Assert.Equal(20, Publish(GossipKeys.Message(0, Topic, 1)).Count);
    }

    [Fact]
    public void Subscriptions_per_peer_are_limited_and_forgotten_when_it_leaves()
    {
        Add(1);
        Receive(1, new GossipRpc { Subscriptions = [.. Enumerable.Range(0, 3000).Select(i => new TopicSubscription($"t{i}", true))] });
        Assert.Single(Router.SubscribersOf("t2047"));
        Assert.Empty(Router.SubscribersOf("t2048"));
        Router.RemovePeer(Peer(1), Now);
        Assert.Empty(Router.SubscribersOf("t1"));
    }

    [Fact]
    public void A_new_peer_is_told_the_topics()
    {
        Subscribe();
        var hello = Assert.Single(Do((r, e) => r.AddPeer(Peer(1), GossipSubVersion.V11, true, e)));
        Assert.Equal([new TopicSubscription(Topic, true)], hello.Control!.Subscriptions);
        Assert.Empty(Do((r, e) => r.AddPeer(Peer(1), GossipSubVersion.V11, true, e)));
    }
}
