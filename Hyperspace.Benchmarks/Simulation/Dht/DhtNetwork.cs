using System.Net;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Benchmarks.Simulation.Dht;

/// <summary>A peer of the simulated DHT: its routing table and records, as the server keeps them.</summary>
internal sealed class DhtNode(int number, PeerId id, KademliaServer server, AddressBlock? group)
{
    public int Number { get; } = number;

    public PeerId Id { get; } = id;

    public KademliaServer Server { get; set; } = server;

    /// <summary>Where it is, for the tables' diversity.</summary>
    public AddressBlock? Group { get; } = group;

    public bool Up { get; set; } = true;

    /// <summary>What the peer answers instead of the truth; null for an honest one.</summary>
    public Func<DhtKey, IReadOnlyList<PeerId>>? Lie { get; set; }
}

/// <summary>
/// Kademlia's tables, stores and queries under virtual time: requests and answers cross the <see cref="NetworkModel"/>, and
/// whoever is down or whose packet is lost does not answer. Messages are not encoded; sockets and streams are not there.
/// </summary>
internal sealed class DhtNetwork(int seed, NetworkModel? model = null, KademliaOptions? options = null)
{
    private readonly NetworkModel _model = model ?? new NetworkModel();
    private readonly Random _random = new(seed);
    private readonly List<DhtNode> _nodes = [];
    private readonly Dictionary<PeerId, DhtNode> _byId = [];

    /// <summary>The clock.</summary>
    public VirtualTime Time { get; } = new();

    /// <summary>Settings of every peer and query.</summary>
    public KademliaOptions Options { get; } = (options ?? new KademliaOptions()) with { Validators = new Dictionary<string, IRecordValidator> { ["sim"] = new AnyValue() } };

    /// <summary>All peers that ever joined.</summary>
    public IReadOnlyList<DhtNode> Nodes => _nodes;

    /// <summary>Requests that were sent.</summary>
    public long Requests { get; set; }

    /// <summary>The peer of an id; null for an invented one.</summary>
    public DhtNode? Find(PeerId peer) => _byId.GetValueOrDefault(peer);

    /// <summary>A peer that is up, other than <paramref name="but"/>.</summary>
    public DhtNode Any(DhtNode? but = null)
    {
        while (true)
        {
            var node = _nodes[_random.Next(_nodes.Count)];
            if (node.Up && node != but && node.Lie is null)
            {
                return node;
            }
        }
    }

    /// <summary>Adds peers one after the other; each knows one that was there before and looks itself up.</summary>
    public void Join(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var number = _nodes.Count;
            var id = SimulatedPeers.Id(number);

            // Every peer in a /16 of its own.
            var group = AddressBlock.Of(new IPAddress([(byte)(20 + (number >> 8)), (byte)number, 1, 1]));
            var node = new DhtNode(number, id, NewServer(id), group);
            var known = number == 0 ? null : Any();
            _nodes.Add(node);
            _byId.Add(id, node);
            Enter(node, known);
        }
    }

    /// <summary>A peer that was down comes back without what it knew, but for one peer.</summary>
    public void Return(DhtNode node)
    {
        node.Server = NewServer(node.Id);
        node.Up = true;
        var lookup = Enter(node, Any(node), wait: false);
        lookup?.Start();
    }

    /// <summary>Every peer that is up looks itself up, as it does every few minutes.</summary>
    public void Refresh()
    {
        foreach (var node in _nodes.Where(n => n.Up))
        {
            Run(LookupOf(node, node.Id.Bytes));
        }
    }

    /// <summary>A lookup of a key by a peer; it is not begun.</summary>
    public DhtLookup LookupOf(DhtNode from, ReadOnlyMemory<byte> key) => new(this, from, key);

    /// <summary>Begins a lookup and lets time pass until it ends.</summary>
    public DhtLookup Run(DhtLookup lookup)
    {
        lookup.Start();
        if (!Time.RunUntil(long.MaxValue / 4, () => lookup.Ended))
        {
            throw new InvalidOperationException("A lookup did not end.");
        }

        return lookup;
    }

    /// <summary>The peers that are up nearest to a key, whoever knows them.</summary>
    public List<PeerId> Truth(DhtNode from, ReadOnlyMemory<byte> key)
    {
        var target = DhtKey.Of(key.Span);
        return [.. _nodes.Where(n => n.Up && n != from).OrderBy(n => DhtKey.Of(n.Id).DistanceTo(target)).Take(Options.K).Select(n => n.Id)];
    }

    /// <summary>Sends a request from one peer to another; <paramref name="serve"/> runs there, <paramref name="answered"/> back here. Nothing happens when a packet is lost or the peer is down.</summary>
    public void Send<T>(DhtNode from, PeerId to, Func<DhtNode, T> serve, Action<T> answered)
    {
        Requests++;
        if (Find(to) is not { } remote || _model.Loses(_random))
        {
            return;
        }

        var median = _model.LatencyBetween(from.Number, remote.Number, seed);
        Time.After(_model.Delay(median, _random), () =>
        {
            if (!remote.Up)
            {
                return;
            }

            Meet(remote, from);
            var reply = serve(remote);
            if (!_model.Loses(_random))
            {
                Time.After(_model.Delay(median, _random), () =>
                {
                    if (from.Up)
                    {
                        answered(reply);
                    }
                });
            }
        });
    }

    /// <summary>One peer notes that another is alive; for a full bucket whose oldest peer was not seen for long, that one is pinged.</summary>
    public void Meet(DhtNode node, DhtNode other)
    {
        var now = Time.GetUtcNow();
        (node.Server.Table, _, var doubted) = node.Server.Table.Seen(other.Id, other.Group, now);
        if (doubted is not null && now - doubted.LastSeen >= Options.QuestionableAfter)
        {
            var answered = false;
            Send(node, doubted.Peer, static _ => true, _ =>
            {
                answered = true;
                Meet(node, Find(doubted.Peer)!);
            });
            Time.After((long)Options.RpcTimeout.TotalMilliseconds, () => node.Server.Table = answered ? node.Server.Table : node.Server.Table.Removed(doubted.Peer));
        }
    }

    private DhtLookup? Enter(DhtNode node, DhtNode? known, bool wait = true)
    {
        if (known is null)
        {
            return null;
        }

        Meet(node, known);
        var lookup = LookupOf(node, node.Id.Bytes);
        return wait ? Run(lookup) : lookup;
    }

    // Addresses are for dialling: none are needed here.
    private KademliaServer NewServer(PeerId id) => new(id, Options, static _ => []);

    private sealed class AnyValue : IRecordValidator
    {
        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => true;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values) => 0;
    }
}
