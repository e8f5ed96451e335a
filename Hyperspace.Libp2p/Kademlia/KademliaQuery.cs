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

/// <summary>Bounds of a query; the defaults are libp2p's where it has one.</summary>
internal sealed record QueryLimits
{
    public int K { get; init; } = 20;

    public int Alpha { get; init; } = 10;

    /// <summary>d: paths that share no peer (Baumgart, Mies: S/Kademlia, 2007).</summary>
    public int DisjointPaths { get; init; } = 3;

    public TimeSpan RpcTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>Peers that are asked at most, an equal share by each path, so that invented ones cannot lead it on.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>Peers that are remembered at most, an equal share by each path.</summary>
    public int MaxPeers { get; init; } = 1024;
}

/// <summary>
/// Kademlia's iterative lookup as a state machine without I/O, along disjoint paths: each path begins with its share of
/// the nearest known peers and goes on only with peers that its own answers named, so that who lies on one path cannot
/// lead the others astray. No peer is asked by two; what a path's neighbour has asked already counts for it as well. At
/// most alpha peers are asked at once over all paths. It always ends: every peer is asked once, requests and peers are
/// bounded, and so is time. Not thread-safe.
/// </summary>
internal sealed class KademliaQuery
{
    private readonly DhtKey _target;
    private readonly PeerId _self;
    private readonly QueryLimits _limits;
    private readonly DateTimeOffset _endsAt;
    private readonly Dictionary<PeerId, QueryCandidate> _known = [];

    // In the order in which they were asked, so that the first is the next to be late.
    private readonly LinkedList<QueryCandidate> _waiting = new();
    private QueryPath[] _paths = [];
    private int _turn;

    /// <summary>A query for <paramref name="target"/>, begun at <paramref name="now"/>; <see cref="Start"/> sets it going.</summary>
    public KademliaQuery(DhtKey target, PeerId self, QueryLimits limits, DateTimeOffset now) =>
        (_target, _self, _limits, _endsAt) = (target, self, limits, now + limits.QueryTimeout);

    /// <summary>The nearest peers that answered, nearest first, at most k.</summary>
    public IReadOnlyList<PeerId> Closest => [.. Nearest().Select(c => c.Peer)];

    /// <summary>True after <see cref="QueryEffect.Finished"/>.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Requests made.</summary>
    public int Requests { get; private set; }

    /// <summary>The longest chain of answers that led to one of <see cref="Closest"/>; 0 when the first peers were it.</summary>
    public int Hops => Nearest().Select(c => c.Hops).DefaultIfEmpty().Max();

    /// <summary>When a <see cref="QueryEvent.Tick"/> is needed at the latest.</summary>
    public DateTimeOffset NextTick => _waiting.First is { } first && first.Value.AskedAt + _limits.RpcTimeout < _endsAt ? first.Value.AskedAt + _limits.RpcTimeout : _endsAt;

    /// <summary>Begins with the nearest peers that are known, dealt out to the paths in turn.</summary>
    public IReadOnlyList<QueryEffect> Start(IEnumerable<PeerId> seeds, DateTimeOffset now)
    {
        var nearest = seeds.Where(p => p != _self).Distinct().OrderBy(p => DhtKey.Of(p).DistanceTo(_target)).ToList();
        var count = Math.Clamp(nearest.Count, 1, Math.Max(1, _limits.DisjointPaths));
        _paths = [.. Enumerable.Range(0, count).Select(_ => new QueryPath(_limits.K, _limits.MaxPeers / count))];
        for (var i = 0; i < nearest.Count; i++)
        {
            Hear(_paths[i % count], nearest[i], 0);
        }

        return Advance(now, []);
    }

    /// <summary>Takes an event in and says what to do.</summary>
    public IReadOnlyList<QueryEffect> Handle(QueryEvent e, DateTimeOffset now)
    {
        if (IsFinished)
        {
            return [];
        }

        switch (e)
        {
            case QueryEvent.Answered(var peer, var closer) when Settle(peer, QueryCandidateState.Answered) is { } candidate:
                foreach (var named in closer.Take(_limits.K))
                {
                    Hear(candidate.Owner!, named, candidate.Hops + 1);
                }

                break;
            case QueryEvent.Failed(var peer):
                Settle(peer, QueryCandidateState.Failed);
                break;
            case QueryEvent.Stop:
                return Finish(QueryEnd.Stopped, []);
        }

        return Advance(now, []);
    }

    private IEnumerable<QueryCandidate> Nearest() => _known.Values
        .Where(c => c.State == QueryCandidateState.Answered)
        .OrderBy(c => DhtKey.Of(c.Peer).DistanceTo(_target))
        .Take(_limits.K);

    private void Hear(QueryPath path, PeerId peer, int hops)
    {
        if (peer == _self)
        {
            return;
        }

        // Paths forget what they have no room for; those that were asked are bounded by the requests.
        if (!_known.TryGetValue(peer, out var candidate))
        {
            candidate = new QueryCandidate(peer);
            if (_known.Count < 2 * _limits.MaxPeers)
            {
                _known.Add(peer, candidate);
            }
            else
            {
                return;
            }
        }

        path.Hear(DhtKey.Of(peer).DistanceTo(_target), candidate, hops);
    }

    private QueryCandidate? Settle(PeerId peer, QueryCandidateState state)
    {
        if (!_known.TryGetValue(peer, out var candidate) || candidate.State != QueryCandidateState.Waiting)
        {
            return null;
        }

        candidate.State = state;
        candidate.Owner!.Waiting--;
        _waiting.Remove(candidate);
        return candidate;
    }

    private List<QueryEffect> Advance(DateTimeOffset now, List<QueryEffect> effects)
    {
        if (now >= _endsAt)
        {
            return Finish(QueryEnd.TimedOut, effects);
        }

        while (_waiting.First is { } first && now - first.Value.AskedAt >= _limits.RpcTimeout)
        {
            effects.Add(new QueryEffect.GiveUp(first.Value.Peer));
            Settle(first.Value.Peer, QueryCandidateState.Failed);
        }

        // In turn and each at most its share of alpha, so that a path of silent peers does not hold up the others.
        var share = (_limits.Alpha + _paths.Length - 1) / _paths.Length;
        for (var idle = 0; idle < _paths.Length && _waiting.Count < _limits.Alpha; _turn++)
        {
            var path = _paths[_turn % _paths.Length];
            if (path.Waiting < share && path.Requests < _limits.MaxRequests / _paths.Length && path.Next() is var (candidate, hops))
            {
                Ask(path, candidate, hops, now, effects);
                idle = 0;
            }
            else
            {
                idle++;
            }
        }

        return _waiting.Count > 0 ? effects : Finish(QueryEnd.Converged, effects);
    }

    private void Ask(QueryPath path, QueryCandidate candidate, int hops, DateTimeOffset now, List<QueryEffect> effects)
    {
        (candidate.State, candidate.Owner, candidate.Hops, candidate.AskedAt) = (QueryCandidateState.Waiting, path, hops, now);
        _waiting.AddLast(candidate);
        path.Requests++;
        path.Waiting++;
        Requests++;
        effects.Add(new QueryEffect.Ask(candidate.Peer));
    }

    private List<QueryEffect> Finish(QueryEnd why, List<QueryEffect> effects)
    {
        IsFinished = true;
        effects.AddRange(_waiting.Select(c => new QueryEffect.GiveUp(c.Peer)));
        effects.Add(new QueryEffect.Finished(why));
        return effects;
    }
}
