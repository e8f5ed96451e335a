using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>IDONTWANT (gossipsub v1.2).</summary>
public class GossipSubV12Tests : RouterFixture
{
    private const int Large = 512;

    [Theory]
    [InlineData(Large - 1, false)]
    [InlineData(Large, true)]
    public void A_large_message_is_refused_at_once_by_telling_the_mesh_but_not_its_bringer_nor_its_author(int size, bool told)
    {
        Use(Parameters, topic => topic == Topic);
        AddSubscribers(4, version: GossipSubVersion.V12);
        AddSubscribers(1, from: 5, version: GossipSubVersion.V11);
        Subscribe();
        var message = GossipKeys.Message(2, Topic, 1, new byte[size]);
        var effects = Message(1, message);

        // The validator has not said anything yet.
        Assert.Single(effects, e => e.Kind == GossipEffectKind.Validate);
        var refusals = effects.Where(e => e.Control?.IDontWant is not null).ToList();
        Assert.Equal(told ? [Peer(3), Peer(4)] : [], refusals.Select(e => e.Peer).Order(Comparer<Hyperspace.Libp2p.PeerId>.Create((a, b) => Number(a) - Number(b))));
        Assert.All(refusals, e => Assert.Equal(message.Id.ToArray(), Assert.Single(e.Control!.IDontWant!).ToArray()));
        Assert.DoesNotContain(Message(3, message), e => e.Control?.IDontWant is not null);
    }

    [Fact]
    public void A_message_is_not_forwarded_to_a_peer_that_refused_it_while_it_was_judged_nor_sent_when_it_asks()
    {
        Use(Parameters, topic => topic == Topic);
        AddSubscribers(3, version: GossipSubVersion.V12);
        Subscribe();
        var message = GossipKeys.Message(9, Topic, 1, new byte[Large]);
        var asked = Assert.Single(Message(1, message), e => e.Kind == GossipEffectKind.Validate);
        Receive(2, new GossipRpc { IDontWant = [message.Id] });
        var effects = Do((r, e) => r.Validated(asked.Peer, message, Hyperspace.Libp2p.PubSub.Validation.Accept, Now, e));
        Assert.Equal([Peer(3)], effects.Where(e => e.Kind == GossipEffectKind.SendMessage).Select(e => e.Peer));
        Assert.Empty(Receive(2, new GossipRpc { IWant = [message.Id] }));
    }

    [Fact]
    public void A_refusal_in_the_same_rpc_as_messages_holds_for_them_already()
    {
        AddSubscribers(2, version: GossipSubVersion.V12);
        Subscribe();
        var (first, second) = (GossipKeys.Message(9, Topic, 1), GossipKeys.Message(9, Topic, 2));
        Receive(2, new GossipRpc { IDontWant = [first.Id] });
        var effects = Receive(1, new GossipRpc { Messages = [first, second] });
        Assert.Equal([second], effects.Where(e => e.Kind == GossipEffectKind.SendMessage).Select(e => e.Message));
    }

    [Fact]
    public void A_refusal_is_forgotten_after_three_heartbeats()
    {
        AddSubscribers(2, version: GossipSubVersion.V12);
        Subscribe();
        var messages = Enumerable.Range(0, 2).Select(i => GossipKeys.Message(9, Topic, (ulong)i)).ToArray();
        Receive(1, new GossipRpc { IDontWant = [.. messages.Select(m => m.Id)] });
        Beat(2);
        Assert.DoesNotContain(Message(2, messages[0]), e => e.Kind == GossipEffectKind.SendMessage);
        Beat();
        Assert.Contains(Message(2, messages[1]), e => e.Kind == GossipEffectKind.SendMessage && e.Peer == Peer(1));
    }

    private static int Number(Hyperspace.Libp2p.PeerId peer) => Enumerable.Range(0, 10).First(i => Peer(i) == peer);
}
