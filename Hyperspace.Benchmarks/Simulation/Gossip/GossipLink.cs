namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>A connection between two nodes, for as long as it lives: dialled again, it is another one.</summary>
internal sealed class GossipLink(GossipNode dialer, GossipNode listener, double latency)
{
    private long _lastToDialer;
    private long _lastToListener;

    public GossipNode Dialer { get; } = dialer;

    public GossipNode Listener { get; } = listener;

    /// <summary>Median one-way latency, in milliseconds.</summary>
    public double Latency { get; } = latency;

    /// <summary>Neither end has closed it.</summary>
    public bool Open { get; set; } = true;

    public GossipNode Other(GossipNode end) => ReferenceEquals(end, Dialer) ? Listener : Dialer;

    /// <summary>When something that would arrive at <paramref name="at"/> does arrive: what one end sends never overtakes itself, as on TCP.</summary>
    public long Arrival(GossipNode to, long at)
    {
        ref var last = ref ReferenceEquals(to, Dialer) ? ref _lastToDialer : ref _lastToListener;
        return last = Math.Max(last, at);
    }
}
