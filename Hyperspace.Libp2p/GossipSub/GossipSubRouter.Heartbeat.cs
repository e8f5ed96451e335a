namespace Hyperspace.Libp2p.GossipSub;

internal sealed partial class GossipSubRouter
{
    private const int BackoffSweepTicks = 15;

    /// <summary>Once per <see cref="GossipSubParameters.HeartbeatInterval"/>: mends the meshes, announces by IHAVE, ages caches and scores.</summary>
    public void Heartbeat(long now, List<GossipEffect> effects)
    {
        _ticks++;
        foreach (var peer in _peers.Values)
        {
            peer.IHaveRpcs = 0;
            peer.IdsAsked = 0;
        }

        _promises.CollectBroken(now, _score.Misbehaved);
        _score.Decay(now);
        _seen.Advance(now);
        _rejected.Advance(now);
        if (_ticks % BackoffSweepTicks == 0)
        {
            SweepBackoffs(now);
        }

        foreach (var topic in _joined)
        {
            MendMesh(topic, now);
            Gossip(topic, topic.Mesh);
        }

        UpkeepFanout(now);
        _cache.Shift();
        Flush(effects);
    }

    private void MendMesh(TopicState topic, long now)
    {
        var mesh = topic.Mesh;
        for (var i = mesh.Count - 1; i >= 0; i--)
        {
            if (mesh[i].Score < 0)
            {
                PruneAt(topic, i, now);
            }
        }

        if (mesh.Count < _parameters.Dlo)
        {
            GraftUpTo(topic, _parameters.D, now);
        }
        else if (mesh.Count > _parameters.Dhi)
        {
            ShrinkMesh(topic, now);
        }

        if (mesh.Count >= _parameters.Dlo)
        {
            var missing = _parameters.Dout - mesh.Count(static p => p.Outbound);
            if (missing > 0)
            {
                GraftUpTo(topic, mesh.Count + missing, now, static p => p.Outbound);
            }
        }

        if (_ticks % _parameters.OpportunisticGraftTicks == 0 && mesh.Count > 1)
        {
            var scores = mesh.ConvertAll(p => p.Score);
            scores.Sort();
            var median = scores[scores.Count / 2];
            if (median < _parameters.Score.OpportunisticGraftThreshold)
            {
                GraftUpTo(topic, mesh.Count + _parameters.OpportunisticGraftPeers, now, p => p.Score > median);
            }
        }
    }

    /// <summary>Keeps the best <c>Dscore</c> and a random rest up to <c>D</c>, with <c>Dout</c> outbound ones among them if there are as many.</summary>
    private void ShrinkMesh(TopicState topic, long now)
    {
        var mesh = topic.Mesh;
        Choose(mesh, mesh.Count);
        var ranked = mesh.OrderByDescending(p => p.Score).ToList();
        var rest = ranked.GetRange(_parameters.Dscore, ranked.Count - _parameters.Dscore);
        Choose(rest, rest.Count);
        ranked.RemoveRange(_parameters.Dscore, rest.Count);
        ranked.AddRange(rest);

        var outbound = ranked.Take(_parameters.D).Count(p => p.Outbound);
        for (var i = _parameters.D; i < ranked.Count && outbound < _parameters.Dout; i++)
        {
            if (!ranked[i].Outbound)
            {
                continue;
            }

            // It takes the place of the last inbound peer that was to stay.
            var victim = ranked.FindLastIndex(_parameters.D - 1, p => !p.Outbound);
            if (victim < 0)
            {
                break;
            }

            (ranked[i], ranked[victim]) = (ranked[victim], ranked[i]);
            outbound++;
        }

        for (var i = _parameters.D; i < ranked.Count; i++)
        {
            PruneAt(topic, mesh.IndexOf(ranked[i]), now);
        }
    }

    private void GraftUpTo(TopicState topic, int size, long now, Func<PeerState, bool>? filter = null)
    {
        var missing = size - topic.Mesh.Count;
        if (missing <= 0)
        {
            return;
        }

        _scratch.Clear();
        foreach (var peer in topic.Subscribers)
        {
            if (MayGraft(topic, peer, now) && (filter is null || filter(peer)))
            {
                _scratch.Add(peer);
            }
        }

        Choose(_scratch, missing);
        foreach (var peer in _scratch)
        {
            Graft(topic, peer, now);
        }
    }

    private bool MayGraft(TopicState topic, PeerState peer, long now) =>
        peer.Version != GossipSubVersion.Floodsub
        && peer.Score >= 0
        && !topic.Mesh.Contains(peer)
        // One heartbeat of slack, so that the remote, whose clock started later, does not count it as early.
        && (topic.Backoffs is null || !topic.Backoffs.TryGetValue(peer.Peer, out var until) || now >= until + (long)_parameters.HeartbeatInterval.TotalMilliseconds);

    private void JoinMesh(TopicState topic, PeerState peer, long now)
    {
        topic.Mesh.Add(peer);
        _score.Grafted(peer.ScoreRecord, topic.Name, now);
    }

    private void LeaveMesh(TopicState topic, PeerState peer)
    {
        if (topic.Mesh.Remove(peer))
        {
            _score.Pruned(peer.ScoreRecord, topic.Name);
        }
    }

    private void Graft(TopicState topic, PeerState peer, long now)
    {
        JoinMesh(topic, peer, now);
        (Pending(peer).Graft ??= []).Add(topic.Name);
    }

    private void PruneAt(TopicState topic, int index, long now)
    {
        var peer = topic.Mesh[index];
        topic.Mesh.RemoveAt(index);
        _score.Pruned(peer.ScoreRecord, topic.Name);
        SendPrune(topic, peer, _parameters.PruneBackoff, now);
    }

    private void SendPrune(TopicState topic, PeerState peer, TimeSpan backoff, long now)
    {
        AddBackoff(topic, peer.Peer, backoff, now);
        (Pending(peer).Prune ??= []).Add(new Prune(topic.Name, peer.Version >= GossipSubVersion.V11 ? (ulong)backoff.TotalSeconds : null));
    }

    private static void AddBackoff(TopicState topic, PeerId peer, TimeSpan backoff, long now)
    {
        var backoffs = topic.Backoffs ??= [];
        var until = now + (long)backoff.TotalMilliseconds;
        if (!backoffs.TryGetValue(peer, out var earlier) || earlier < until)
        {
            backoffs[peer] = until;
        }
    }

    private void SweepBackoffs(long now)
    {
        var slack = (long)_parameters.HeartbeatInterval.TotalMilliseconds;
        foreach (var topic in _topics.Values)
        {
            if (topic.Backoffs is not { } backoffs)
            {
                continue;
            }

            foreach (var (peer, until) in backoffs)
            {
                if (until + slack <= now)
                {
                    backoffs.Remove(peer);
                }
            }

            if (backoffs.Count == 0)
            {
                topic.Backoffs = null;
                DropIfUnused(topic);
            }
        }
    }

    private void UpkeepFanout(long now)
    {
        foreach (var topic in _topics.Values)
        {
            if (topic.Fanout is not { } fanout)
            {
                continue;
            }

            if (now - topic.LastPublish > (long)_parameters.FanoutTtl.TotalMilliseconds)
            {
                topic.Fanout = null;
                DropIfUnused(topic);
                continue;
            }

            fanout.RemoveAll(p => p.Score < _parameters.Score.PublishThreshold);
            FillFrom(topic, fanout, _parameters.D);
            Gossip(topic, fanout);
        }
    }

    /// <summary>Announces the topic's recent messages to some peers that do not get them pushed.</summary>
    private void Gossip(TopicState topic, List<PeerState> pushed)
    {
        _scratch.Clear();
        foreach (var peer in topic.Subscribers)
        {
            if (peer.Version != GossipSubVersion.Floodsub && peer.Score >= _parameters.Score.GossipThreshold && !pushed.Contains(peer))
            {
                _scratch.Add(peer);
            }
        }

        if (_scratch.Count == 0)
        {
            return;
        }

        var ids = new List<ReadOnlyMemory<byte>>();
        _cache.CollectIds(topic.Name, ids);
        if (ids.Count == 0)
        {
            return;
        }

        Choose(_scratch, Math.Max(_parameters.Dlazy, (int)(_parameters.GossipFactor * _scratch.Count)));
        Choose(ids, ids.Count);
        foreach (var peer in _scratch)
        {
            var announced = ids;
            if (ids.Count > _parameters.MaxIHaveLength)
            {
                // Each peer hears of a different part, so that together they cover all.
                announced = [.. ids];
                Choose(announced, _parameters.MaxIHaveLength);
            }

            (Pending(peer).IHave ??= []).Add(new IHave(topic.Name, announced));
        }
    }
}
