namespace Hyperspace.Libp2p.GossipSub;

/// <summary>What the router wants done.</summary>
internal enum GossipEffectKind : byte
{
    /// <summary>Send <see cref="GossipEffect.Message"/> to <see cref="GossipEffect.Peer"/>.</summary>
    SendMessage,

    /// <summary>Send <see cref="GossipEffect.Control"/> to <see cref="GossipEffect.Peer"/>; it goes before messages that wait.</summary>
    SendControl,

    /// <summary>Hand <see cref="GossipEffect.Message"/>, brought by <see cref="GossipEffect.Peer"/>, to this peer's subscribers.</summary>
    Deliver,

    /// <summary>Have <see cref="GossipEffect.Message"/>, brought by <see cref="GossipEffect.Peer"/>, judged, and report with <see cref="GossipSubRouter.Validated"/>.</summary>
    Validate,

    /// <summary>
    /// Connect to <see cref="GossipEffect.Peer"/>: a direct peer, or one that a PRUNE introduced with
    /// <see cref="GossipEffect.SignedRecord"/>, which nobody has verified yet.
    /// </summary>
    Connect,
}

/// <summary>One effect; a struct in a reused list, so that a forwarded message costs no garbage.</summary>
internal readonly record struct GossipEffect(GossipEffectKind Kind, PeerId Peer, GossipMessage? Message, GossipRpc? Control, byte[]? SignedRecord = null);

/// <summary>The protocol that a peer speaks.</summary>
internal enum GossipSubVersion : byte
{
    /// <summary><c>/floodsub/1.0.0</c>: gets every message of its topics, never joins a mesh.</summary>
    Floodsub,

    /// <summary><c>/meshsub/1.0.0</c>: PRUNE without backoff.</summary>
    V10,

    /// <summary><c>/meshsub/1.1.0</c>.</summary>
    V11,

    /// <summary><c>/meshsub/1.2.0</c>: IDONTWANT.</summary>
    V12,
}

/// <summary>The protocol ids, best first.</summary>
internal static class GossipSubProtocol
{
    public static readonly IReadOnlyList<string> Ids = ["/meshsub/1.2.0", "/meshsub/1.1.0", "/meshsub/1.0.0", "/floodsub/1.0.0"];

    /// <summary>The version that an id stands for; null for any other protocol.</summary>
    public static GossipSubVersion? VersionOf(string protocol) => protocol switch
    {
        "/meshsub/1.2.0" => GossipSubVersion.V12,
        "/meshsub/1.1.0" => GossipSubVersion.V11,
        "/meshsub/1.0.0" => GossipSubVersion.V10,
        "/floodsub/1.0.0" => GossipSubVersion.Floodsub,
        _ => null,
    };
}
