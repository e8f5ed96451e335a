namespace Hyperspace.Libp2p.GossipSub;

internal sealed partial class GossipSubRouter
{
    private void OnIHave(PeerState peer, List<IHave>? announcements, long now)
    {
        if (announcements is null || peer.Score < _parameters.Score.GossipThreshold)
        {
            return;
        }

        peer.IHaveRpcs++;
        if (peer.IHaveRpcs > _parameters.MaxIHaveMessages)
        {
            return;
        }

        List<ReadOnlyMemory<byte>>? wanted = null;
        HashSet<MessageKey>? asked = null;
        foreach (var announcement in announcements)
        {
            if (!_topics.TryGetValue(announcement.Topic, out var topic) || !topic.Joined)
            {
                continue;
            }

            foreach (var id in announcement.Ids)
            {
                var key = MessageKey.Of(id.Span);
                if (!_seen.Contains(key) && (asked ??= []).Add(key))
                {
                    (wanted ??= []).Add(id);
                }
            }
        }

        if (wanted is null)
        {
            return;
        }

        Choose(wanted, _parameters.MaxIHaveLength - peer.IdsAsked);
        if (wanted.Count == 0)
        {
            return;
        }

        peer.IdsAsked += wanted.Count;
        Pending(peer).IWant = wanted;
        _promises.Add(MessageKey.Of(wanted[_random.Next(wanted.Count)].Span), peer.Peer, now + (long)_parameters.IWantFollowUp.TotalMilliseconds);
    }

    private void OnIWant(PeerState peer, List<ReadOnlyMemory<byte>>? ids, List<GossipEffect> effects)
    {
        if (ids is null || peer.Score < _parameters.Score.GossipThreshold)
        {
            return;
        }

        foreach (var id in ids)
        {
            var count = _cache.CountFor(MessageKey.Of(id.Span), peer.Peer, out var message);
            if (count > 0 && count <= _parameters.GossipRetransmission && !Refused(peer, message!.Key))
            {
                Send(peer, message!, effects);
            }
        }
    }

    private void OnIDontWant(PeerState peer, List<ReadOnlyMemory<byte>>? ids)
    {
        var room = _parameters.MaxIDontWantIds - peer.IdsRefused;
        if (ids is null || room <= 0)
        {
            return;
        }

        var heard = Math.Min(room, ids.Count);
        peer.IdsRefused += heard;
        for (var i = 0; i < heard; i++)
        {
            (peer.Unwanted ??= [])[MessageKey.Of(ids[i].Span)] = _ticks;
        }
    }

    private void OnGraft(PeerState peer, List<string>? topics, long now)
    {
        foreach (var name in topics ?? [])
        {
            // Unknown topics get no answer: else a spammer would make this peer send (v1.1 spam protection).
            if (!_topics.TryGetValue(name, out var topic) || !topic.Joined || topic.Mesh.Contains(peer))
            {
                continue;
            }

            if (peer.Direct)
            {
                SendPrune(topic, peer, _parameters.PruneBackoff, now, introduce: false);
            }
            else if (topic.Backoffs is { } backoffs && backoffs.TryGetValue(peer.Peer, out var until) && now < until)
            {
                var early = now < until - (long)(_parameters.PruneBackoff - _parameters.GraftFloodThreshold).TotalMilliseconds;
                _score.Misbehaved(peer.ScoreRecord, early ? 2 : 1);
                SendPrune(topic, peer, _parameters.PruneBackoff, now, introduce: false);
            }
            else if (peer.Score < 0)
            {
                SendPrune(topic, peer, _parameters.PruneBackoff, now, introduce: false);
            }
            else if (topic.Mesh.Count >= _parameters.Dhi && !peer.Outbound)
            {
                SendPrune(topic, peer, _parameters.PruneBackoff, now, introduce: true);
            }
            else
            {
                JoinMesh(topic, peer, now);
            }
        }
    }

    private void OnPrune(PeerState peer, List<Prune>? prunes, long now, List<GossipEffect> effects)
    {
        foreach (var prune in prunes ?? [])
        {
            if (!_topics.TryGetValue(prune.Topic, out var topic) || !topic.Joined)
            {
                continue;
            }

            // Before the mesh is left: what the peer owes there must not make its introductions look better or worse.
            var trusted = peer.Score >= _parameters.Score.AcceptPxThreshold;
            LeaveMesh(topic, peer);
            var backoff = prune.BackoffSeconds is { } seconds and > 0
                ? TimeSpan.FromSeconds(Math.Min(seconds, (ulong)_parameters.MaxBackoff.TotalSeconds))
                : _parameters.PruneBackoff;
            AddBackoff(topic, peer.Peer, backoff, now);
            if (trusted && prune.Peers is { } introduced)
            {
                Connect(introduced, effects);
            }
        }
    }

    /// <summary>Has some of the introduced peers dialled, as far as this heartbeat's share goes.</summary>
    private void Connect(IReadOnlyList<PxPeer> introduced, List<GossipEffect> effects)
    {
        var candidates = introduced.Where(p => p.Peer != _local && !_peers.ContainsKey(p.Peer)).DistinctBy(static p => p.Peer).ToList();
        Choose(candidates, Math.Min(_parameters.PxPeers, _parameters.MaxPxConnects - _pxConnects));
        _pxConnects += candidates.Count;
        foreach (var (peer, record) in candidates)
        {
            effects.Add(new GossipEffect(GossipEffectKind.Connect, peer, null, null, record));
        }
    }
}
