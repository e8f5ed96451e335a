using System.Net;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Weights and thresholds of peer scoring (libp2p/specs gossipsub-v1.1). The defaults are js-libp2p's, but for three: see
/// <see cref="DefaultTopic"/>, <see cref="ColocationWhitelist"/> and <see cref="MaxRetained"/>.
/// </summary>
public sealed record PeerScoreParameters
{
    /// <summary>Below it a peer gets no gossip and its IHAVE and IWANT are ignored.</summary>
    public double GossipThreshold { get; init; } = -10;

    /// <summary>Below it a peer gets no own messages by flood publish or fanout.</summary>
    public double PublishThreshold { get; init; } = -50;

    /// <summary>Below it all RPCs of a peer are ignored.</summary>
    public double GraylistThreshold { get; init; } = -80;

    /// <summary>From it on a peer's PRUNE may introduce other peers (PX).</summary>
    public double AcceptPxThreshold { get; init; } = 10;

    /// <summary>A mesh whose median score is below it is improved by opportunistic grafting.</summary>
    public double OpportunisticGraftThreshold { get; init; } = 20;

    /// <summary>P1 to P4 of the topics named here.</summary>
    public IReadOnlyDictionary<string, TopicScoreParameters> Topics { get; init; } = new Dictionary<string, TopicScoreParameters>();

    /// <summary>P1 to P4 of all other topics: by default P4 alone, so that an invalid message never goes unpunished.</summary>
    public TopicScoreParameters DefaultTopic { get; init; } = TopicScoreParameters.InvalidMessagesOnly;

    /// <summary>Most that P1 to P4 of all topics add up to; 0 for no limit.</summary>
    public double TopicScoreCap { get; init; } = 10;

    /// <summary>P5: weight of <see cref="AppSpecificScore"/>.</summary>
    public double AppSpecificWeight { get; init; } = 10;

    /// <summary>P5: what the application thinks of a peer; asked once per decay interval and when a peer comes. Quick, no locks.</summary>
    public Func<PeerId, double>? AppSpecificScore { get; init; }

    /// <summary>P6: weight of the square of the peers of one address over the threshold (not above 0).</summary>
    public double ColocationWeight { get; init; } = -5;

    /// <summary>P6: peers of one address that are not held against any of them.</summary>
    public int ColocationThreshold { get; init; } = 10;

    /// <summary>P6: addresses that are never counted; by default those of this machine, which no remote can come from.</summary>
    public IReadOnlyList<IPNetwork> ColocationWhitelist { get; init; } = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>P7: weight of the square of misbehaviour over the threshold (not above 0).</summary>
    public double BehaviourWeight { get; init; } = -10;

    /// <summary>P7: misbehaviour that is forgiven.</summary>
    public double BehaviourThreshold { get; init; }

    /// <summary>P7: factor per decay interval.</summary>
    public double BehaviourDecay { get; init; } = 0.2;

    /// <summary>Time between decays.</summary>
    public TimeSpan DecayInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Counters below it become zero.</summary>
    public double DecayToZero { get; init; } = 0.1;

    /// <summary>How long a peer's debts outlive its connection.</summary>
    public TimeSpan RetainScore { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Peers whose debts are remembered after they left; beyond that, who left first is forgotten first.</summary>
    public int MaxRetained { get; init; } = 10_000;

    /// <summary>The parameters of a topic.</summary>
    internal TopicScoreParameters Of(string topic) => Topics.TryGetValue(topic, out var own) ? own : DefaultTopic;
}

/// <summary>P1 to P4 of one topic. The defaults are js-libp2p's for a configured topic; a weight of 0 turns a part off.</summary>
public sealed record TopicScoreParameters
{
    /// <summary>P4 alone, at full weight.</summary>
    public static TopicScoreParameters InvalidMessagesOnly { get; } = new()
    {
        TopicWeight = 1,
        TimeInMeshWeight = 0,
        FirstDeliveriesWeight = 0,
        MeshDeliveriesWeight = 0,
        MeshFailureWeight = 0,
    };

    /// <summary>Weight of the topic among all.</summary>
    public double TopicWeight { get; init; } = 0.5;

    /// <summary>P1: weight of the time in the mesh (not below 0).</summary>
    public double TimeInMeshWeight { get; init; } = 1;

    /// <summary>P1: the unit of that time.</summary>
    public TimeSpan TimeInMeshQuantum { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>P1: most units that count.</summary>
    public double TimeInMeshCap { get; init; } = 3600;

    /// <summary>P2: weight of messages that a peer brought first (not below 0).</summary>
    public double FirstDeliveriesWeight { get; init; } = 1;

    /// <summary>P2: factor per decay interval.</summary>
    public double FirstDeliveriesDecay { get; init; } = 0.5;

    /// <summary>P2: most messages that count.</summary>
    public double FirstDeliveriesCap { get; init; } = 2000;

    /// <summary>P3: weight of the square of what a mesh peer brought too little (not above 0).</summary>
    public double MeshDeliveriesWeight { get; init; } = -1;

    /// <summary>P3: factor per decay interval.</summary>
    public double MeshDeliveriesDecay { get; init; } = 0.5;

    /// <summary>P3: most messages that count.</summary>
    public double MeshDeliveriesCap { get; init; } = 100;

    /// <summary>P3: messages that a mesh peer is expected to bring.</summary>
    public double MeshDeliveriesThreshold { get; init; } = 20;

    /// <summary>P3: a copy counts when it comes at most this long after the first one was accepted.</summary>
    public TimeSpan MeshDeliveriesWindow { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>P3: time in the mesh before anything is expected.</summary>
    public TimeSpan MeshDeliveriesActivation { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>P3b: weight of the deficits with which a peer left the mesh (not above 0).</summary>
    public double MeshFailureWeight { get; init; } = -1;

    /// <summary>P3b: factor per decay interval.</summary>
    public double MeshFailureDecay { get; init; } = 0.5;

    /// <summary>P4: weight of the square of invalid messages (not above 0).</summary>
    public double InvalidMessagesWeight { get; init; } = -1;

    /// <summary>P4: factor per decay interval.</summary>
    public double InvalidMessagesDecay { get; init; } = 0.3;

    /// <summary>Deliveries by mesh peers are counted at all.</summary>
    internal bool CountsMeshDeliveries => MeshDeliveriesWeight != 0 || MeshFailureWeight != 0;
}
