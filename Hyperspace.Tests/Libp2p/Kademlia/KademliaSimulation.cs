using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Tests.Libp2p.Kademlia;

/// <summary>Pure nodes under virtual time: requests and answers travel through one event queue with random latencies; peers that are down never answer.</summary>
internal sealed class KademliaSimulation(int seed, KademliaOptions? options = null)
{
    private readonly Random _random = new(seed);
    private readonly PriorityQueue<Action, (DateTimeOffset At, long Order)> _queue = new();
    private readonly Dictionary<PeerId, KademliaServer> _nodes = [];
    private readonly HashSet<PeerId> _down = [];
    private readonly KademliaOptions _options = options ?? new KademliaOptions { Validators = new Dictionary<string, Hyperspace.Libp2p.ContentRouting.IRecordValidator> { ["t"] = new PlusValidator() } };
    private long _order;

    public DateTimeOffset Now { get; private set; } = Peers.Start;

    public IReadOnlyCollection<PeerId> Alive => [.. _nodes.Keys.Where(p => !_down.Contains(p))];

    public KademliaServer this[PeerId peer] => _nodes[peer];

    /// <summary>Adds peers one after the other; each knows one earlier peer and looks itself up.</summary>
    public void Join(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var peer = Peers.Number(_nodes.Count);
            var node = new KademliaServer(peer, _options, Peers.AddressOf);
            if (_nodes.Count > 0)
            {
                node.Table = node.Table.Seen(Peers.Number(_random.Next(_nodes.Count)), Now).Table;
            }

            _nodes[peer] = node;
            Lookup(peer, peer.Bytes.ToArray());
        }
    }

    public void Kill(PeerId peer) => _down.Add(peer);

    /// <summary>Every peer that is up looks itself up, as it does every few minutes.</summary>
    public void Refresh()
    {
        foreach (var peer in Alive)
        {
            Lookup(peer, peer.Bytes.ToArray());
        }
    }

    /// <summary>Runs a lookup to its end and returns it; every effect and event is handed to <paramref name="watch"/>.</summary>
    public KademliaQuery Lookup(PeerId from, byte[] key, Action<object>? watch = null, Func<PeerId, Message, Message?>? tamper = null)
    {
        var node = _nodes[from];
        var query = new KademliaQuery(DhtKey.Of(key), from, new QueryLimits(), Now);
        var finished = false;
        Perform(query.Start(node.Table.Closest(DhtKey.Of(key), 20), Now));
        while (!finished && _queue.TryDequeue(out var next, out var when))
        {
            Now = when.At;
            next();
        }

        Assert.True(finished, "A query must end.");
        _queue.Clear();
        return query;

        void Perform(IReadOnlyList<QueryEffect> effects)
        {
            foreach (var effect in effects)
            {
                watch?.Invoke(effect);
                switch (effect)
                {
                    case QueryEffect.Ask(var peer):
                        Ask(peer);
                        break;
                    case QueryEffect.GiveUp(var peer) when _down.Contains(peer):
                        node.Table = node.Table.Removed(peer);
                        break;
                    case QueryEffect.Finished:
                        finished = true;
                        return;
                }
            }

            At(query.NextTick - Now, () => Perform(query.Handle(new QueryEvent.Tick(), Now)));
        }

        void Ask(PeerId peer)
        {
            if (_down.Contains(peer) || !_nodes.TryGetValue(peer, out var remote))
            {
                return;
            }

            At(Latency(), () =>
            {
                remote.Table = remote.Table.Seen(from, Now).Table;
                var request = Message.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(KademliaMessages.FindNode(key)));
                var reply = remote.Handle(request, from, Now).Reply;
                reply = tamper is null ? reply : tamper(peer, reply!);
                At(Latency(), () =>
                {
                    if (reply is not null)
                    {
                        node.Table = node.Table.Seen(peer, Now).Table;
                        var closer = KademliaMessages.FromWire(reply.CloserPeers, 20, 8).Select(p => p.Peer).ToList();
                        watch?.Invoke(new QueryEvent.Answered(peer, closer));
                        Perform(query.Handle(new QueryEvent.Answered(peer, closer), Now));
                    }
                });
            });
        }
    }

    private TimeSpan Latency() => TimeSpan.FromMilliseconds(_random.Next(5, 100));

    private void At(TimeSpan delay, Action action) => _queue.Enqueue(action, (Now + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero), _order++));
}
