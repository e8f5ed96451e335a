using System.Net;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>One peer of a simulated network, from its joining to its leaving; one that comes back is another node with the same number.</summary>
internal abstract class GossipNode(GossipSimulation network, int number, IPAddress? address = null)
{
    /// <summary>Which peer of the network it is.</summary>
    public int Number { get; } = number;

    public PeerId Id { get; } = SimulatedPeers.Id(number);

    /// <summary>Where its connections come from.</summary>
    public IPAddress Address { get; } = address ?? new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]);

    /// <summary>It joined and has not left.</summary>
    public bool Up { get; set; }

    /// <summary>When it joined, in virtual milliseconds.</summary>
    public long JoinedAt { get; set; }

    /// <summary>Its open connections.</summary>
    public Dictionary<PeerId, GossipLink> Links { get; } = [];

    /// <summary>Connections that it dialled, and dials under way.</summary>
    public int Dialled { get; set; }

    /// <summary>Connections that it wants to have dialled; fewer, and it dials at its next heartbeat.</summary>
    public int WantsDialled { get; set; }

    /// <summary>It runs our router and nothing else; attackers are not counted in any figure.</summary>
    public virtual bool Honest => false;

    protected GossipSimulation Network { get; } = network;

    public abstract void Joined();

    public abstract void Connected(GossipLink link);

    public abstract void Disconnected(GossipLink link);

    public abstract void Receive(GossipLink link, GossipMessage message, int hops);

    public abstract void Receive(GossipLink link, GossipRpc control);

    public abstract void Heartbeat();
}
