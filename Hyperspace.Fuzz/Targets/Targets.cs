using Hyperspace.Fuzz.Engine;

namespace Hyperspace.Fuzz;

/// <summary>Every decoder of the library that reads what a stranger wrote.</summary>
public static class Targets
{
    /// <summary>The targets by their names' order of appearance on the wire.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FramingTarget.Create(),
        MultiaddrTarget.Create(),
        PeerIdTarget.Create(),
        MultistreamTarget.Create(),
        NoiseHandshakeTarget.Create(),
        NoiseFramesTarget.Create(),
        YamuxTarget.Create(),
        IdentifyTarget.Create(),
        GossipSubTarget.Create(),
        KademliaTarget.Create(),
        RpcTarget.Create(),
        WebSocketTarget.Create(),
        RelayTarget.Create(),
        AutoNatTarget.Create(),
        MulticastDnsTarget.Create(),
    ];
}
