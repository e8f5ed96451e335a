using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>One router; the test plays its peers. The router is peer 0.</summary>
public abstract class RouterFixture
{
    private protected const string Topic = "t";
    private readonly List<GossipEffect> _effects = [];

    private protected RouterFixture() => Use(new GossipSubParameters { FloodPublish = false });

    private protected GossipSubParameters Parameters { get; private set; } = null!;

    private protected GossipSubRouter Router { get; private set; } = null!;

    private protected long Now { get; set; } = 1000;

    private protected static PeerId Peer(int number) => GossipKeys.Peer(number);

    /// <summary>Starts over with another router.</summary>
    private protected void Use(GossipSubParameters parameters, Func<string, bool>? needsValidation = null, Func<PeerId, byte[]?>? signedRecordOf = null)
    {
        Parameters = parameters;
        Router = new GossipSubRouter(GossipKeys.Peer(0), parameters, new Random(1), null, needsValidation, signedRecordOf);
    }

    private protected void Add(int peer, GossipSubVersion version = GossipSubVersion.V11, bool outbound = false) =>
        Do((r, e) => r.AddPeer(Peer(peer), version, outbound, e));

    private protected void AddSubscribers(int count, int from = 1, GossipSubVersion version = GossipSubVersion.V11, bool outbound = false)
    {
        for (var i = from; i < from + count; i++)
        {
            Add(i, version, outbound);
            Receive(i, new GossipRpc { Subscriptions = [new(Topic, true)] });
        }
    }

    private protected List<GossipEffect> Subscribe(string topic = Topic) => Do((r, e) => r.Subscribe(topic, Now, e));

    private protected List<GossipEffect> Receive(int peer, GossipRpc rpc) => Do((r, e) => r.Receive(Peer(peer), rpc, Now, e));

    private protected List<GossipEffect> Message(int peer, GossipMessage message) => Do((r, e) => r.ReceiveMessage(Peer(peer), message, Now, e));

    private protected List<GossipEffect> Publish(GossipMessage message) => Do((r, e) => r.Publish(message, Now, e));

    private protected double ScoreOf(int peer) => Router.ScoreOf(Peer(peer));

    private protected List<GossipEffect> Beat(int times = 1)
    {
        List<GossipEffect> effects = [];
        for (var i = 0; i < times; i++)
        {
            Now += 1000;
            effects = Do((r, e) => r.Heartbeat(Now, e));
        }

        return effects;
    }

    private protected List<GossipEffect> Do(Action<GossipSubRouter, List<GossipEffect>> act)
    {
        _effects.Clear();
        act(Router, _effects);
        return [.. _effects];
    }
}
