using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>What a peer can do by sending too much of something: after go-libp2p-pubsub's spam tests.</summary>
public class GossipSubSpamTests : RouterFixture
{
    [Fact]
    public void Attack_GRAFT_during_backoff_is_refused_and_penalised_twice_when_it_follows_at_once()
    {
        AddSubscribers(1);
        Subscribe();
        Receive(1, new GossipRpc { Prune = [new(Topic, 60)] });
        Now += 2000;
        var answer = Assert.Single(Receive(1, new GossipRpc { Graft = [Topic] }));
        Assert.Equal([new Prune(Topic, 60)], answer.Control!.Prune);
        Assert.Equal(-10 * 2 * 2, ScoreOf(1));

        Now += 30_000;
        Receive(1, new GossipRpc { Graft = [Topic] });
        Assert.Equal(-10 * 3 * 3, ScoreOf(1));
    }

    [Fact]
    public void Attack_GRAFT_flood_graylists_the_peer_until_its_penalty_has_decayed()
    {
        AddSubscribers(1);
        Subscribe();
        Receive(1, new GossipRpc { Prune = [new(Topic, 60)] });
        for (var i = 0; i < 10; i++)
        {
            Receive(1, new GossipRpc { Graft = [Topic] });
        }

        Assert.True(ScoreOf(1) < -80);
        Assert.Empty(Receive(1, new GossipRpc { Graft = [Topic] }));
        Assert.Empty(Message(1, GossipKeys.Message(5, Topic, 1)));
        for (var i = 0; i < 5; i++)
        {
            Beat();
        }

        Assert.Equal(0, ScoreOf(1));
        Assert.Contains(Message(1, GossipKeys.Message(5, Topic, 1)), e => e.Kind == GossipEffectKind.Deliver);
    }

    [Fact]
    public void Attack_GRAFT_for_a_topic_that_does_not_exist_gets_no_answer_and_leaves_no_trace()
    {
        Add(1);
        Assert.Empty(Receive(1, new GossipRpc { Graft = ["unknown", "another"], Prune = [new("unknown", 1)] }));
        Assert.Empty(Router.MeshOf("unknown"));
    }

    [Fact]
    public void Attack_spam_IHAVE_makes_this_peer_ask_for_a_limited_number_per_heartbeat()
    {
        AddSubscribers(1);
        Subscribe();
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
    public void Attack_spam_IHAVE_whose_promises_are_broken_ends_below_the_gossip_threshold()
    {
        AddSubscribers(1);
        Subscribe();
        for (byte i = 0; i < 10; i++)
        {
            Receive(1, new GossipRpc { IHave = [new(Topic, [new byte[] { i }])] });
        }

        Now += 3000;
        Beat();
        Assert.True(ScoreOf(1) < Parameters.Score.GossipThreshold);
        Assert.Empty(Receive(1, new GossipRpc { IHave = [new(Topic, [new byte[] { 99 }])] }));
    }

    [Fact]
    public void Attack_spam_IWANT_gets_a_message_as_often_as_retransmission_allows_and_no_more()
    {
        AddSubscribers(1);
        Subscribe();
        var message = GossipKeys.Message(0, Topic, 1, "x"u8);
        Publish(message);
        var answers = Enumerable.Range(0, 1000).Sum(_ => Receive(1, new GossipRpc { IWant = [message.Id, message.Id] }).Count);
        Assert.Equal(Parameters.GossipRetransmission, answers);
    }

    [Fact]
    public void Attack_spam_IWANT_for_messages_that_nobody_knows_gets_nothing()
    {
        AddSubscribers(1);
        Subscribe();
        Assert.Empty(Receive(1, new GossipRpc { IWant = [.. Enumerable.Range(0, 5000).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i))] }));
    }

    [Fact]
    public void Attack_invalid_message_spam_graylists_the_peer_and_spares_the_victim_whose_name_it_used()
    {
        AddSubscribers(2);
        Subscribe();
        for (ulong i = 0; i < 20; i++)
        {
            Assert.Empty(Message(1, GossipKeys.Forged(GossipKeys.Message(2, Topic, i, "x"u8))));
        }

        Assert.True(ScoreOf(1) < Parameters.Score.GraylistThreshold);
        // The tenth was not even looked at.
        Assert.Equal((9, 0), (Router.Rejected, ScoreOf(2)));
        Beat();
        Assert.Equal([Peer(2)], Router.MeshOf(Topic));
    }

    [Fact]
    public void Attack_invalid_message_spam_that_a_validator_rejects_costs_every_copy()
    {
        Use(Parameters, topic => topic == Topic);
        AddSubscribers(2);
        Subscribe();
        var message = GossipKeys.Message(9, Topic, 1);
        var asked = Assert.Single(Message(1, message));
        Message(2, message);
        Do((r, e) => r.Validated(asked.Peer, asked.Message!, Hyperspace.Libp2p.PubSub.Validation.Reject, Now, e));
        Assert.Equal((-1, -1), (ScoreOf(1), ScoreOf(2)));
        Message(1, message);
        Assert.Equal((-4, -1), (ScoreOf(1), ScoreOf(2)));
    }

    [Fact]
    public void Attack_spam_IDONTWANT_is_heard_for_so_many_ids_per_heartbeat_and_peer()
    {
        AddSubscribers(2, version: GossipSubVersion.V12);
        Subscribe();
        var last = GossipKeys.Message(9, Topic, 1, "x"u8);
        var junk = Enumerable.Range(0, Parameters.MaxIDontWantIds).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i));
        foreach (var id in junk.Append(last.Id))
        {
            Receive(1, new GossipRpc { IDontWant = [id] });
        }

        // The message is forwarded all the same, because the refusal came too late to be heard.
        Assert.Contains(Message(2, last), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == Peer(1));
        Beat();
        var next = GossipKeys.Message(9, Topic, 2, "x"u8);
        Receive(1, new GossipRpc { IDontWant = [next.Id] });
        Assert.DoesNotContain(Message(2, next), e => e.Kind == GossipEffectKind.SendMessage);
    }

    [Fact]
    public void Attack_a_large_IDONTWANT_is_cut_at_the_limit()
    {
        AddSubscribers(2, version: GossipSubVersion.V12);
        Subscribe();
        var (first, last) = (GossipKeys.Message(9, Topic, 1, "x"u8), GossipKeys.Message(9, Topic, 2, "x"u8));
        var junk = Enumerable.Range(0, 4000).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i));
        Receive(1, new GossipRpc { IDontWant = [first.Id, .. junk, last.Id] });
        Assert.DoesNotContain(Message(2, first), e => e.Kind == GossipEffectKind.SendMessage);
        Assert.Contains(Message(2, last), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == Peer(1));
    }

    [Fact]
    public void Attack_IDONTWANT_with_a_forged_message_does_not_make_the_mesh_withhold_the_real_one()
    {
        AddSubscribers(3, version: GossipSubVersion.V12);
        Subscribe();
        Assert.Empty(Message(1, GossipKeys.Forged(GossipKeys.Message(9, Topic, 1, new byte[600]))));
    }

    [Fact]
    public void Attack_PX_spam_makes_this_peer_dial_a_limited_number_per_heartbeat()
    {
        Use(Parameters with { Score = new PeerScoreParameters { AppSpecificScore = _ => 10 } });
        AddSubscribers(20);
        Subscribe();
        var dialled = 0;
        for (var i = 1; i <= 20; i++)
        {
            var strangers = Enumerable.Range(100 + (i * 50), 50).Select(n => new PxPeer(Peer(n), null)).ToList();
            dialled += Receive(i, new GossipRpc { Prune = [new(Topic, 60, strangers)] }).Count(e => e.Kind == GossipEffectKind.Connect);
        }

        Assert.Equal(Parameters.MaxPxConnects, dialled);
    }
}
