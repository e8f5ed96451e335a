using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Routers that talk through a queue of events in virtual time: no sockets, no clock, the same run for the same seed.</summary>
internal sealed class GossipNetwork
{
    private readonly Random _random;
    private readonly GossipSubParameters _parameters;
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Dictionary<PeerId, int> _index = [];
    private readonly List<GossipEffect> _effects = [];
    private readonly List<HashSet<int>> _links = [];
    private long _order;

    public GossipNetwork(int count, int seed, GossipSubParameters? parameters = null)
    {
        _random = new Random(seed);
        _parameters = parameters ?? new GossipSubParameters();
        var authors = new AuthorCache();
        for (var i = 0; i < count; i++)
        {
            var node = i;
            Routers.Add(new GossipSubRouter(GossipKeys.Peer(i), _parameters, new Random(seed + i), authors));
            Received.Add([]);
            _links.Add([]);
            _index[GossipKeys.Peer(i)] = i;
            After(_random.Next(100, 1100), () => Beat(node));
        }
    }

    public long Now { get; private set; }

    public List<GossipSubRouter> Routers { get; } = [];

    /// <summary>What each node's application got, with the time.</summary>
    public List<List<(GossipMessage Message, long At)>> Received { get; } = [];

    public long MessagesSent { get; private set; }

    /// <summary>Share of messages that the network loses.</summary>
    public double Loss { get; set; }

    public Func<int, GossipMessage, Validation>? Validator { get; set; }

    public void Connect(int dialer, int listener)
    {
        if (dialer == listener || !_links[dialer].Add(listener))
        {
            return;
        }

        _links[listener].Add(dialer);
        Do(dialer, (r, e) => r.AddPeer(GossipKeys.Peer(listener), GossipSubVersion.V11, outbound: true, e));
        Do(listener, (r, e) => r.AddPeer(GossipKeys.Peer(dialer), GossipSubVersion.V11, outbound: false, e));
    }

    public void Disconnect(int a, int b)
    {
        _links[a].Remove(b);
        _links[b].Remove(a);
        Routers[a].RemovePeer(GossipKeys.Peer(b), Now);
        Routers[b].RemovePeer(GossipKeys.Peer(a), Now);
    }

    /// <summary>Each node dials so many others at random; the graph is made connected by a ring.</summary>
    public void ConnectAtRandom(int degree)
    {
        for (var i = 0; i < Routers.Count; i++)
        {
            Connect(i, (i + 1) % Routers.Count);
            for (var j = 1; j < degree; j++)
            {
                Connect(i, _random.Next(Routers.Count));
            }
        }
    }

    public void Do(int node, Action<GossipSubRouter, List<GossipEffect>> act)
    {
        act(Routers[node], _effects);
        Dispatch(node);
    }

    public GossipMessage Publish(int node, string topic, ulong sequence)
    {
        var message = GossipKeys.Message(node, topic, sequence, BitConverter.GetBytes(sequence));
        Do(node, (r, e) => r.Publish(message, Now, e));
        return message;
    }

    public void Run(long milliseconds)
    {
        var end = Now + milliseconds;
        while (_events.TryPeek(out var act, out var when) && when.At <= end)
        {
            _events.Dequeue();
            Now = when.At;
            act();
        }

        Now = end;
    }

    private void After(long milliseconds, Action act) => _events.Enqueue(act, (Now + milliseconds, _order++));

    private void Beat(int node)
    {
        Do(node, (r, e) => r.Heartbeat(Now, e));
        After((long)_parameters.HeartbeatInterval.TotalMilliseconds, () => Beat(node));
    }

    private void Dispatch(int node)
    {
        for (var i = 0; i < _effects.Count; i++)
        {
            var effect = _effects[i];
            switch (effect.Kind)
            {
                case GossipEffectKind.Deliver:
                    Received[node].Add((effect.Message!, Now));
                    break;
                case GossipEffectKind.Validate:
                    Routers[node].Validated(effect.Peer, effect.Message!, Validator!(node, effect.Message!), Now, _effects);
                    break;
                case GossipEffectKind.SendMessage:
                    MessagesSent++;
                    if (_random.NextDouble() >= Loss)
                    {
                        Send(node, effect, (r, from, e) => r.ReceiveMessage(from, effect.Message!, Now, e));
                    }

                    break;
                default:
                    Send(node, effect, (r, from, e) => r.Receive(from, effect.Control!, Now, e));
                    break;
            }
        }

        _effects.Clear();
    }

    private void Send(int node, GossipEffect effect, Action<GossipSubRouter, PeerId, List<GossipEffect>> receive)
    {
        var to = _index[effect.Peer];
        After(10 + _random.Next(90), () =>
        {
            if (_links[node].Contains(to))
            {
                Do(to, (r, e) => receive(r, GossipKeys.Peer(node), e));
            }
        });
    }
}
