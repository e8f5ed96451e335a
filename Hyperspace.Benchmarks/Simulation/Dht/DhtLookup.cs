using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Benchmarks.Simulation.Dht;

/// <summary>One <see cref="KademliaQuery"/> in the simulated network: its effects become packets, packets and time its events.</summary>
internal sealed class DhtLookup
{
    private readonly DhtNetwork _network;
    private readonly DhtNode _from;
    private readonly ReadOnlyMemory<byte> _key;
    private readonly KademliaQuery _query;
    private readonly long _startedAt;
    private int _values;

    public DhtLookup(DhtNetwork network, DhtNode from, ReadOnlyMemory<byte> key)
    {
        (_network, _from, _key, _startedAt) = (network, from, key, network.Time.Now);
        var o = network.Options;
        var limits = new QueryLimits { K = o.K, Alpha = o.Alpha, DisjointPaths = o.DisjointPaths, RpcTimeout = o.RpcTimeout, QueryTimeout = o.QueryTimeout };
        _query = new KademliaQuery(DhtKey.Of(key.Span), from.Id, limits, network.Time.GetUtcNow());
    }

    /// <summary>Sees every effect of the query.</summary>
    public Action<QueryEffect>? Watch { get; init; }

    /// <summary>Called once at the end.</summary>
    public Action<DhtLookup>? Done { get; init; }

    /// <summary>True when it looks for a value, and ends when a quorum has answered with one.</summary>
    public bool SeeksValue { get; init; }

    public bool Ended { get; private set; }

    /// <summary>Virtual milliseconds from start to end.</summary>
    public long Milliseconds { get; private set; }

    /// <summary>Virtual milliseconds from start to the first value; null when there was none.</summary>
    public long? FirstValue { get; private set; }

    public IReadOnlyList<PeerId> Closest => _query.Closest;

    public int Requests => _query.Requests;

    public int Hops => _query.Hops;

    /// <summary>Begins.</summary>
    public void Start()
    {
        _network.Time.After((long)_network.Options.QueryTimeout.TotalMilliseconds, Tick);
        Perform(_query.Start(_from.Server.Table.Closest(DhtKey.Of(_key.Span), _network.Options.K), _network.Time.GetUtcNow()));
    }

    private void Perform(IReadOnlyList<QueryEffect> effects)
    {
        foreach (var effect in effects)
        {
            Watch?.Invoke(effect);
            switch (effect)
            {
                case QueryEffect.Ask(var peer):
                    Ask(peer);
                    break;
                case QueryEffect.GiveUp(var peer) when !_query.IsFinished:
                    // Whoever is down cannot be dialled; a packet that was lost is held against the peer only when more are.
                    _from.Server.Table = _network.Find(peer) is { Up: true } ? _from.Server.Table.Failed(peer) : _from.Server.Table.Removed(peer);
                    break;
                case QueryEffect.Finished:
                    Ended = true;
                    Milliseconds = _network.Time.Now - _startedAt;
                    Done?.Invoke(this);
                    return;
            }
        }
    }

    private void Ask(PeerId peer)
    {
        var target = DhtKey.Of(_key.Span);
        _network.Time.After((long)_network.Options.RpcTimeout.TotalMilliseconds, Tick);
        _network.Send(
            _from,
            peer,
            remote => (
                Closer: remote.Lie?.Invoke(target) ?? [.. remote.Server.Closer(target, _from.Id).Take(_network.Options.K)],
                HasValue: SeeksValue && remote.Lie is null && remote.Server.Held(_key.Span, _network.Time.GetUtcNow()) is not null),
            reply =>
            {
                _network.Meet(_from, _network.Find(peer)!);
                if (Ended)
                {
                    return;
                }

                if (reply.HasValue)
                {
                    FirstValue ??= _network.Time.Now - _startedAt;
                    if (_values++ == 0)
                    {
                        _network.Time.After((long)_network.Options.Patience.TotalMilliseconds, () => Handle(new QueryEvent.Stop()));
                    }
                }

                Handle(new QueryEvent.Answered(peer, reply.Closer));
                if (_values >= _network.Options.Quorum)
                {
                    Handle(new QueryEvent.Stop());
                }
            });
    }

    private void Tick()
    {
        if (!Ended)
        {
            Handle(new QueryEvent.Tick());
        }
    }

    private void Handle(QueryEvent e) => Perform(_query.Handle(e, _network.Time.GetUtcNow()));
}
