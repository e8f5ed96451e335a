using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>The router without its scores, to see what they are good for.</summary>
internal static class Unscored
{
    private static readonly TopicScoreParameters NoTopic = TopicScoreParameters.InvalidMessagesOnly with { TopicWeight = 0, InvalidMessagesWeight = 0 };

    /// <summary>The defaults with all weights at 0.</summary>
    public static GossipSubParameters Parameters { get; } = new()
    {
        Score = new PeerScoreParameters { DefaultTopic = NoTopic, AppSpecificWeight = 0, ColocationWeight = 0, BehaviourWeight = 0 },
    };
}
