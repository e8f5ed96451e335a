namespace Hyperspace.Libp2p.GossipSub;

/// <summary>A peer joins or leaves a topic.</summary>
internal readonly record struct TopicSubscription(string Topic, bool Subscribe);

/// <summary>IHAVE: ids of recent messages of a topic.</summary>
internal readonly record struct IHave(string Topic, IReadOnlyList<ReadOnlyMemory<byte>> Ids);

/// <summary>PRUNE with its backoff in seconds (null before v1.1). Peer exchange is read over, never followed.</summary>
internal readonly record struct Prune(string Topic, ulong? BackoffSeconds);

/// <summary>
/// One RPC <c>{subscriptions=1, messages=2, control=3{ihave=1, iwant=2, graft=3, prune=4}}</c>. Lists are null when empty.
/// IDONTWANT and fields of later versions are read over.
/// </summary>
internal sealed class GossipRpc
{
    public List<TopicSubscription>? Subscriptions { get; set; }

    public List<GossipMessage>? Messages { get; set; }

    public List<IHave>? IHave { get; set; }

    public List<ReadOnlyMemory<byte>>? IWant { get; set; }

    public List<string>? Graft { get; set; }

    public List<Prune>? Prune { get; set; }

    /// <summary>The remote sent more items than the limits allow; those beyond were not read.</summary>
    public bool Excessive { get; set; }

    /// <summary>There is something in it besides messages.</summary>
    public bool HasControl => Subscriptions is not null || IHave is not null || IWant is not null || Graft is not null || Prune is not null;
}
