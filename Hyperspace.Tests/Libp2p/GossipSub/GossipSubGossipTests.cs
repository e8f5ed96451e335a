using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Lazy pull: IHAVE, IWANT and what was promised.</summary>
public class GossipSubGossipTests : RouterFixture
{
    [Fact]
    public void Gossip_announces_to_peers_outside_the_mesh_and_iwant_gets_the_message_three_times()
    {
        AddSubscribers(20);
        Subscribe();
        var message = GossipKeys.Message(0, Topic, 1, "x"u8);
        Publish(message);
        var announced = Beat().Where(e => e.Control?.IHave is not null).ToList();
        Assert.Equal(Parameters.Dlazy, announced.Count);
        Assert.All(announced, e => Assert.Equal(message.Id.ToArray(), Assert.Single(Assert.Single(e.Control!.IHave!).Ids).ToArray()));
        Assert.DoesNotContain(announced, e => Router.MeshOf(Topic).Contains(e.Peer));

        var asker = announced[0].Peer;
        var answers = 0;
        for (var i = 0; i < 10; i++)
        {
            answers += Do((r, e) => r.Receive(asker, new GossipRpc { IWant = [message.Id] }, Now, e)).Count(e => e.Message == message);
        }

        Assert.Equal(Parameters.GossipRetransmission, answers);
    }

    [Fact]
    public void A_message_is_announced_for_three_heartbeats_and_can_be_asked_for_during_five()
    {
        AddSubscribers(20);
        Subscribe();
        var message = GossipKeys.Message(0, Topic, 1);
        Publish(message);
        for (var beat = 1; beat <= 6; beat++)
        {
            Assert.Equal(beat <= 3, Beat().Any(e => e.Control?.IHave is not null));
            var asker = Peer(beat);
            Assert.Equal(beat < 5, Do((r, e) => r.Receive(asker, new GossipRpc { IWant = [message.Id] }, Now, e)).Any(e => e.Message == message));
        }
    }

    [Fact]
    public void An_announced_message_is_asked_for_once_and_a_broken_promise_costs_score()
    {
        AddSubscribers(2);
        Subscribe();
        var message = GossipKeys.Message(9, Topic, 1);
        var asked = Assert.Single(Receive(1, new GossipRpc { IHave = [new(Topic, [message.Id, message.Id])] }));
        Assert.Equal(message.Id.ToArray(), Assert.Single(asked.Control!.IWant!).ToArray());
        Receive(2, new GossipRpc { IHave = [new(Topic, [GossipKeys.Message(9, Topic, 2).Id])] });

        // Peer 1's message comes, from another; peer 2's does not.
        Message(2, message);
        Assert.Empty(Receive(1, new GossipRpc { IHave = [new(Topic, [message.Id])] }));
        Now += 3000;
        Beat();
        Assert.Equal(0, ScoreOf(1));
        Assert.True(ScoreOf(2) < 0);
    }

    [Fact]
    public void Ihave_of_unknown_topics_is_ignored()
    {
        AddSubscribers(1);
        Assert.Empty(Receive(1, new GossipRpc { IHave = [new(Topic, [new byte[44]])] }));
    }
}
