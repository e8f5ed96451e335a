namespace Hyperspace.Benchmarks.Simulation.Gossip;

internal sealed partial class GossipSimulation
{
    // TCP, security and muxer are negotiated in about three round trips.
    private const int HandshakeTrips = 6;
    private readonly HashSet<(int, int)> _dialling = [];

    /// <summary>The network's peers by number; those that are away are not <see cref="GossipNode.Up"/>.</summary>
    public List<GossipNode> Nodes { get; } = [];

    /// <summary>The honest peers that are there.</summary>
    public IEnumerable<RouterNode> Honest => Nodes.Where(static n => n.Up && n.Honest).Cast<RouterNode>();

    /// <summary>Which side of the cut a node is on, while there is one.</summary>
    public Func<GossipNode, int>? Side { get; private set; }

    /// <summary>Lets a node join, as a new peer or as one that comes back; it dials as it wants from its first heartbeat on.</summary>
    public T Join<T>(T node, int wantsDialled = 0)
        where T : GossipNode
    {
        if (node.Number == Nodes.Count)
        {
            Nodes.Add(node);
        }
        else if (Nodes[node.Number].Up)
        {
            throw new InvalidOperationException($"Peer {node.Number} is there already.");
        }

        Nodes[node.Number] = node;
        node.Up = true;
        node.JoinedAt = Now;
        node.WantsDialled = wantsDialled;
        node.Joined();
        Beat(node, _random.Next(1, (int)Parameters.HeartbeatInterval.TotalMilliseconds));
        return node;
    }

    /// <summary>A node goes; its neighbours notice when the end of the connection reaches them.</summary>
    public void Leave(GossipNode node)
    {
        foreach (var link in node.Links.Values.ToList())
        {
            Disconnect(link, node);
        }

        node.Up = false;
    }

    /// <summary>Connects at once.</summary>
    public void Connect(GossipNode dialer, GossipNode listener)
    {
        if (!ReferenceEquals(dialer, listener) && !dialer.Links.ContainsKey(listener.Id))
        {
            dialer.Dialled++;
            Opened(NewLink(dialer, listener));
        }
    }

    /// <summary>Connects after the time that the handshakes take, if both are still there then.</summary>
    public void Dial(GossipNode dialer, GossipNode listener)
    {
        if (ReferenceEquals(dialer, listener) || dialer.Links.ContainsKey(listener.Id) || !_dialling.Add((dialer.Number, listener.Number)))
        {
            return;
        }

        dialer.Dialled++;
        var link = NewLink(dialer, listener);
        _events.Schedule(Now + (long)Math.Ceiling(HandshakeTrips * link.Latency), new Event(EventKind.Open, null, link, null, 0));
    }

    /// <summary>One end closes the connection: it knows at once, the other when it hears of it.</summary>
    public void Disconnect(GossipLink link, GossipNode by)
    {
        if (!link.Open)
        {
            return;
        }

        link.Open = false;
        var other = link.Other(by);
        NoticeClosed(by, link);
        _events.Schedule(link.Arrival(other, Now + Model.Delay(link.Latency, _random)), new Event(EventKind.Closed, other, link, null, 0));
    }

    /// <summary>
    /// Cuts the network between the sides: what crosses is lost, dials across fail, and connections across break after the
    /// 30 s in which keepalives go unanswered.
    /// </summary>
    public void Partition(Func<GossipNode, int> side)
    {
        Side = side;
        After(30_000, () =>
        {
            if (Side != side)
            {
                return;
            }

            foreach (var node in Nodes)
            {
                foreach (var link in node.Links.Values.Where(IsCut).ToList())
                {
                    Disconnect(link, node);
                }
            }
        });
    }

    /// <summary>Ends the partition. Peers find each other again as they dial.</summary>
    public void Heal() => Side = null;

    /// <summary>Starts churn among the honest peers.</summary>
    public void Churn(ChurnModel churn)
    {
        var population = Nodes.Count(static n => n.Honest);
        var random = new Random(NextSeed());
        void Next() => After(churn.NextLeave(population, random), () =>
        {
            if (AnyHonest(random) is { } leaver)
            {
                Leave(leaver);
                After(churn.Absence(random), () => Join(new RouterNode(this, leaver.Number), leaver.WantsDialled));
            }

            Next();
        });
        Next();
    }

    /// <summary>An honest peer that is there, at random.</summary>
    public RouterNode? AnyHonest(Random random)
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            if (Nodes[random.Next(Nodes.Count)] is RouterNode { Up: true, Honest: true } node)
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>Nodes dial as many of the candidates as they want to have dialled, at once.</summary>
    public void ConnectAtRandom(IReadOnlyList<GossipNode> dialers, IReadOnlyList<GossipNode> candidates)
    {
        foreach (var node in dialers)
        {
            for (var tries = 0; node.Dialled < node.WantsDialled && tries < 20 * node.WantsDialled; tries++)
            {
                Connect(node, candidates[_random.Next(candidates.Count)]);
            }
        }
    }

    private GossipLink NewLink(GossipNode dialer, GossipNode listener) =>
        new(dialer, listener, Model.LatencyBetween(dialer.Number, listener.Number, _seed));

    private bool IsCut(GossipLink link) => Side is { } side && side(link.Dialer) != side(link.Listener);

    private void Opened(GossipLink link)
    {
        var (dialer, listener) = (link.Dialer, link.Listener);
        _dialling.Remove((dialer.Number, listener.Number));
        if (!dialer.Up || !listener.Up || dialer.Links.ContainsKey(listener.Id) || listener.Links.ContainsKey(dialer.Id) || IsCut(link))
        {
            dialer.Dialled--;
            return;
        }

        dialer.Links[listener.Id] = link;
        listener.Links[dialer.Id] = link;
        dialer.Connected(link);
        listener.Connected(link);
    }

    private void NoticeClosed(GossipNode node, GossipLink link)
    {
        var other = link.Other(node);
        if (node.Links.TryGetValue(other.Id, out var known) && ReferenceEquals(known, link))
        {
            node.Links.Remove(other.Id);
            if (ReferenceEquals(link.Dialer, node))
            {
                node.Dialled--;
            }

            node.Disconnected(link);
        }
    }

    /// <summary>A peer with too few connections dials others that it has heard of, which here is anybody.</summary>
    private void KeepDialled(GossipNode node)
    {
        for (var tries = 0; node.Dialled < node.WantsDialled && tries < 2 * node.WantsDialled; tries++)
        {
            var other = Nodes[_random.Next(Nodes.Count)];
            if (other.Up)
            {
                Dial(node, other);
            }
        }
    }
}
