using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>The way of one message through the network.</summary>
internal sealed class MessageTrack(GossipMessage message, GossipNode author, long publishedAt, int peers, int frameSize)
{
    private readonly int[] _at = NewArray(peers);
    private readonly byte[] _hops = new byte[peers];

    public GossipMessage Message { get; } = message;

    public GossipNode Author { get; } = author;

    public long PublishedAt { get; } = publishedAt;

    /// <summary>Bytes of the RPC that carries it, length prefix included.</summary>
    public int FrameSize { get; } = frameSize;

    /// <summary>How many links it crossed to reach a peer; 0 for its author and for those that it did not reach.</summary>
    public int HopsTo(int peer) => _hops[peer];

    /// <summary>Milliseconds from publishing to delivery; null when it was not delivered.</summary>
    public int? LatencyTo(int peer) => _at[peer] < 0 ? null : _at[peer];

    public void Arrived(int peer, long now, int hops)
    {
        if (_at[peer] < 0)
        {
            _at[peer] = (int)(now - PublishedAt);
            _hops[peer] = (byte)Math.Min(hops, byte.MaxValue);
        }
    }

    private static int[] NewArray(int peers)
    {
        var array = new int[peers];
        Array.Fill(array, -1);
        return array;
    }
}
