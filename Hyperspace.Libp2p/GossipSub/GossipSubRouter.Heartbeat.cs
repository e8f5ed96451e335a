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
            peer.IdsRefused = 0;
            ForgetRefusals(peer);
        }

        _pxConnects = 0;

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
        ConnectDirectPeers(effects);
        _cache.Shift();
        Flush(effects);
    }

    private void ForgetRefusals(PeerState peer)
    {
        if (peer.Unwanted is not { } unwanted)
        {
            return;
        }

        foreach (var (key, since) in unwanted)
        {
            if (_ticks - since >= _parameters.IDontWantHeartbeats)
            {
                unwanted.Remove(key);
            }
        }

        peer.Unwanted = unwanted.Count > 0 ? unwanted : null;
    }

    private void ConnectDirectPeers(List<GossipEffect> effects)
    {
        if ((_ticks - 1) % _parameters.DirectConnectTicks != 0)
        {
            return;
        }

        foreach (var peer in _parameters.DirectPeers)
        {
            if (!_peers.ContainsKey(peer) && peer != _local)
            {
                effects.Add(new GossipEffect(GossipEffectKind.Connect, peer, null, null));
            }
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
            if (peer.Meshes && peer.Score >= _parameters.Score.GossipThreshold && !pushed.Contains(peer))
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

        ChooseInTurn(topic, Math.Max(_parameters.Dlazy, (int)(_parameters.GossipFactor * _scratch.Count)));
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

    /// <summary>
    /// Leaves so many of the candidates, at random, but nobody twice before all have had their turn: a message is announced
    /// for a few heartbeats only, and who is left out in all of them never hears of it.
    /// </summary>
    private void ChooseInTurn(TopicState topic, int count)
    {
        Choose(_scratch, _scratch.Count);
        if (_scratch.Count > count)
        {
            var next = 0;
            for (var i = 0; i < _scratch.Count; i++)
            {
                if (!topic.Gossiped.Contains(_scratch[i]))
                {
                    (_scratch[next], _scratch[i]) = (_scratch[i], _scratch[next]);
                    next++;
                }
            }

            if (next <= count)
            {
                topic.Gossiped.Clear();
            }

            _scratch.RemoveRange(count, _scratch.Count - count);
        }

        topic.Gossiped.UnionWith(_scratch);
    }
}
