namespace Hyperspace.Libp2p.Kademlia;

/// <summary>What a query hears.</summary>
internal abstract record QueryEvent
{
    /// <summary>A peer answered and named peers that it holds to be closer.</summary>
    public sealed record Answered(PeerId Peer, IReadOnlyList<PeerId> Closer) : QueryEvent;

    /// <summary>A peer could not be reached, or its answer was no good.</summary>
    public sealed record Failed(PeerId Peer) : QueryEvent;

    /// <summary>Time went by.</summary>
    public sealed record Tick : QueryEvent;

    /// <summary>Whoever asked has what was sought.</summary>
    public sealed record Stop : QueryEvent;
}

/// <summary>What a query wants done.</summary>
internal abstract record QueryEffect
{
    /// <summary>Send the request to a peer.</summary>
    public sealed record Ask(PeerId Peer) : QueryEffect;

    /// <summary>Do not wait for this peer any longer.</summary>
    public sealed record GiveUp(PeerId Peer) : QueryEffect;

    /// <summary>The query has ended; emitted once, last.</summary>
    public sealed record Finished(QueryEnd Why) : QueryEffect;
}

/// <summary>Why a query ended.</summary>
internal enum QueryEnd
{
    /// <summary>The k closest that can be reached have answered, or nobody is left to ask.</summary>
    Converged,

    /// <summary>It was stopped.</summary>
    Stopped,

    /// <summary>Its time was up.</summary>
    TimedOut,
}

/// <summary>Bounds of a query; the defaults are libp2p's.</summary>
internal sealed record QueryLimits
{
    public int K { get; init; } = 20;

    public int Alpha { get; init; } = 10;

    public TimeSpan RpcTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>Peers that are asked at most, so that invented ones cannot lead it on.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>Peers that are remembered at most; the farthest that were not asked are forgotten first.</summary>
    public int MaxPeers { get; init; } = 1024;
}

/// <summary>
/// Kademlia's iterative lookup as a state machine without I/O: asks the nearest known peers, at most alpha at once,
/// until the k nearest that did not fail have all answered. It always ends: every peer is asked once, requests and
/// peers are bounded, and so is time. Not thread-safe.
/// </summary>
internal sealed class KademliaQuery
{
    private readonly DhtKey _target;
    private readonly PeerId _self;
    private readonly QueryLimits _limits;
    private readonly DateTimeOffset _endsAt;
    private readonly SortedDictionary<DhtKey, Candidate> _candidates = [];
    private readonly Dictionary<PeerId, Candidate> _asked = [];
    private int _waiting;
    private bool _finished;

    /// <summary>A query for <paramref name="target"/>, begun at <paramref name="now"/>; <see cref="Start"/> sets it going.</summary>
    public KademliaQuery(DhtKey target, PeerId self, QueryLimits limits, DateTimeOffset now) =>
        (_target, _self, _limits, _endsAt) = (target, self, limits, now + limits.QueryTimeout);

    private enum State
    {
        Heard,
        Waiting,
        Answered,
        Failed,
    }

    /// <summary>The nearest peers that answered, nearest first, at most k.</summary>
    public IReadOnlyList<PeerId> Closest => [.. _candidates.Values.Where(c => c.State == State.Answered).Take(_limits.K).Select(c => c.Peer)];

    /// <summary>Requests made.</summary>
    public int Requests => _asked.Count;

    /// <summary>The longest chain of answers that led to one of <see cref="Closest"/>; 0 when the first peers were it.</summary>
    public int Hops => _candidates.Values.Where(c => c.State == State.Answered).Take(_limits.K).Select(c => c.Hops).DefaultIfEmpty().Max();

    /// <summary>When a <see cref="QueryEvent.Tick"/> is needed at the latest.</summary>
    public DateTimeOffset NextTick => _asked.Values.Where(c => c.State == State.Waiting).Select(c => c.AskedAt + _limits.RpcTimeout).Append(_endsAt).Min();

    /// <summary>Begins with the nearest peers that are known.</summary>
    public IReadOnlyList<QueryEffect> Start(IEnumerable<PeerId> seeds, DateTimeOffset now)
    {
        Learn(seeds, 0);
        return Advance(now, []);
    }

    /// <summary>Takes an event in and says what to do.</summary>
    public IReadOnlyList<QueryEffect> Handle(QueryEvent e, DateTimeOffset now)
    {
        if (_finished)
        {
            return [];
        }

        switch (e)
        {
            case QueryEvent.Answered(var peer, var closer) when Settle(peer, State.Answered) is { } candidate:
                Learn(closer.Take(_limits.K), candidate.Hops + 1);
                break;
            case QueryEvent.Failed(var peer):
                Settle(peer, State.Failed);
                break;
            case QueryEvent.Stop:
                return Finish(QueryEnd.Stopped, []);
        }

        return Advance(now, []);
    }

    private Candidate? Settle(PeerId peer, State state)
    {
        if (!_asked.TryGetValue(peer, out var candidate) || candidate.State != State.Waiting)
        {
            return null;
        }

        candidate.State = state;
        _waiting--;
        return candidate;
    }

    private void Learn(IEnumerable<PeerId> peers, int hops)
    {
        foreach (var peer in peers)
        {
            if (peer != _self)
            {
                _candidates.TryAdd(DhtKey.Of(peer).DistanceTo(_target), new Candidate(peer, hops));
            }
        }

        if (_candidates.Count > _limits.MaxPeers)
        {
            var forgotten = _candidates.Reverse().Where(c => c.Value.State == State.Heard).Take(_candidates.Count - _limits.MaxPeers).ToList();
            forgotten.ForEach(c => _candidates.Remove(c.Key));
        }
    }

    private IReadOnlyList<QueryEffect> Advance(DateTimeOffset now, List<QueryEffect> effects)
    {
        if (now >= _endsAt)
        {
            return Finish(QueryEnd.TimedOut, effects);
        }

        foreach (var late in _asked.Values.Where(c => c.State == State.Waiting && now - c.AskedAt >= _limits.RpcTimeout).ToList())
        {
            Settle(late.Peer, State.Failed);
            effects.Add(new QueryEffect.GiveUp(late.Peer));
        }

        var open = false;
        foreach (var candidate in _candidates.Values.Where(c => c.State != State.Failed).Take(_limits.K))
        {
            if (candidate.State == State.Heard && _waiting < _limits.Alpha && _asked.Count < _limits.MaxRequests)
            {
                candidate.State = State.Waiting;
                candidate.AskedAt = now;
                _asked[candidate.Peer] = candidate;
                _waiting++;
                effects.Add(new QueryEffect.Ask(candidate.Peer));
            }

            // A candidate that may no longer be asked keeps nothing open, except through those that are waited for.
            open |= candidate.State == State.Waiting || (candidate.State == State.Heard && _waiting > 0);
        }

        return open ? effects : Finish(QueryEnd.Converged, effects);
    }

    private List<QueryEffect> Finish(QueryEnd why, List<QueryEffect> effects)
    {
        _finished = true;
        effects.AddRange(_asked.Values.Where(c => c.State == State.Waiting).Select(c => new QueryEffect.GiveUp(c.Peer)));
        effects.Add(new QueryEffect.Finished(why));
        return effects;
    }

    private sealed class Candidate(PeerId peer, int hops)
    {
        public PeerId Peer { get; } = peer;

        public int Hops { get; } = hops;

        public State State { get; set; }

        public DateTimeOffset AskedAt { get; set; }
    }
}
