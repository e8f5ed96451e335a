namespace Hyperspace.Libp2p.GossipSub;

internal sealed partial class GossipSubRouter
{
    private void MendMesh(TopicState topic, long now)
    {
        var mesh = topic.Mesh;
        for (var i = mesh.Count - 1; i >= 0; i--)
        {
            if (mesh[i].Score < 0)
            {
                PruneAt(topic, i, now, introduce: false);
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
            PruneAt(topic, mesh.IndexOf(ranked[i]), now, introduce: true);
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
        peer.Meshes
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

    private void PruneAt(TopicState topic, int index, long now, bool introduce)
    {
        var peer = topic.Mesh[index];
        topic.Mesh.RemoveAt(index);
        _score.Pruned(peer.ScoreRecord, topic.Name);
        SendPrune(topic, peer, _parameters.PruneBackoff, now, introduce);
    }

    private void SendPrune(TopicState topic, PeerState peer, TimeSpan backoff, long now, bool introduce)
    {
        AddBackoff(topic, peer.Peer, backoff, now);
        (Pending(peer).Prune ??= []).Add(peer.Version >= GossipSubVersion.V11
            ? new Prune(topic.Name, (ulong)backoff.TotalSeconds, introduce && _parameters.DoPx ? Introduce(topic, peer) : null)
            : new Prune(topic.Name, null));
    }

    /// <summary>Peers of the topic that are in good standing, chosen at random, for one that has to look for others (PX).</summary>
    private List<PxPeer>? Introduce(TopicState topic, PeerState to)
    {
        var candidates = topic.Subscribers.Where(p => p != to && p.Meshes && p.Score >= 0).ToList();
        Choose(candidates, _parameters.PxPeers);
        return candidates.Count == 0 ? null : candidates.ConvertAll(p => new PxPeer(p.Peer, _signedRecordOf(p.Peer)));
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
}
