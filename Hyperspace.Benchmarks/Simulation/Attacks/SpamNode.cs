using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>Serves as the router does, and besides sends every neighbour at every heartbeat what it should not.</summary>
internal sealed class SpamNode(GossipSimulation network, int number, Action<SpamNode, IReadOnlyCollection<PeerId>> spam) : RouterNode(network, number)
{
    private const int Remembered = 20;
    private readonly Queue<GossipMessage> _heard = new();

    /// <inheritdoc/>
    public override bool Honest => false;

    /// <summary>Messages heard lately.</summary>
    public IReadOnlyCollection<GossipMessage> Heard => _heard;

    public Random Random { get; } = new(network.NextSeed());

    /// <summary>What it does when it hears a message, before the router hears it; false keeps it from the router.</summary>
    public Func<SpamNode, GossipMessage, bool>? OnMessage { get; init; }

    public override void Heartbeat()
    {
        base.Heartbeat();
        spam(this, [.. Links.Values.Select(l => l.Other(this)).Where(static n => n.Honest).Select(static n => n.Id)]);
    }

    public override void Receive(GossipLink link, GossipMessage message, int hops)
    {
        if (!_heard.Contains(message))
        {
            _heard.Enqueue(message);
            if (_heard.Count > Remembered)
            {
                _heard.Dequeue();
            }

            if (OnMessage?.Invoke(this, message) == false)
            {
                return;
            }
        }

        base.Receive(link, message, hops);
    }

    public void Send(IReadOnlyCollection<PeerId> to, GossipRpc control) => Network.SendForged(this, to, control);

    public void Send(IReadOnlyCollection<PeerId> to, GossipMessage message)
    {
        foreach (var peer in to)
        {
            Network.Send(this, peer, message);
        }
    }

    /// <summary>Ids of messages that nobody ever published.</summary>
    public List<ReadOnlyMemory<byte>> InventedIds(int count)
    {
        var ids = new List<ReadOnlyMemory<byte>>(count);
        for (var i = 0; i < count; i++)
        {
            var id = new byte[44];
            Random.NextBytes(id);
            ids.Add(id);
        }

        return ids;
    }
}
