namespace Hyperspace.Libp2p.GossipSub;

/// <summary>A peer joins or leaves a topic.</summary>
internal readonly record struct TopicSubscription(string Topic, bool Subscribe);

/// <summary>IHAVE: ids of recent messages of a topic.</summary>
internal readonly record struct IHave(string Topic, IReadOnlyList<ReadOnlyMemory<byte>> Ids);

/// <summary>A peer that a PRUNE introduces, with the record of its addresses that it signed (an envelope), if there is one.</summary>
internal readonly record struct PxPeer(PeerId Peer, byte[]? SignedRecord);

/// <summary>PRUNE with its backoff in seconds (null before v1.1) and the peers that it introduces.</summary>
internal readonly record struct Prune(string Topic, ulong? BackoffSeconds, IReadOnlyList<PxPeer>? Peers = null);

/// <summary>
/// One RPC <c>{subscriptions=1, messages=2, control=3{ihave=1, iwant=2, graft=3, prune=4, idontwant=5}}</c>. Lists are null when empty.
/// Fields of later versions are read over.
/// </summary>
internal sealed class GossipRpc
{
    public List<TopicSubscription>? Subscriptions { get; set; }

    public List<GossipMessage>? Messages { get; set; }

    public List<IHave>? IHave { get; set; }

    public List<ReadOnlyMemory<byte>>? IWant { get; set; }

    public List<string>? Graft { get; set; }

    public List<Prune>? Prune { get; set; }

    public List<ReadOnlyMemory<byte>>? IDontWant { get; set; }

    /// <summary>The remote sent more items than the limits allow; those beyond were not read.</summary>
    public bool Excessive { get; set; }

    /// <summary>There is something in it besides messages.</summary>
    public bool HasControl => Subscriptions is not null || IHave is not null || IWant is not null || Graft is not null || Prune is not null || IDontWant is not null;
}
