namespace Hyperspace.Libp2p.GossipSub;

internal sealed partial class GossipSubRouter
{
    /// <summary>Handles an RPC; peers that were not added, and peers below the graylist threshold, are ignored.</summary>
    public void Receive(PeerId from, GossipRpc rpc, long now, List<GossipEffect> effects)
    {
        if (!_peers.TryGetValue(from, out var peer) || peer.Score < _parameters.Score.GraylistThreshold)
        {
            return;
        }

        if (rpc.Excessive)
        {
            _score.Misbehaved(peer.ScoreRecord);
        }

        foreach (var subscription in rpc.Subscriptions ?? [])
        {
            OnSubscription(peer, subscription);
        }

        if (rpc.Messages is { } messages)
        {
            foreach (var message in messages)
            {
                OnMessage(peer, message, now, effects);
            }
        }

        if (rpc.HasControl && peer.Version != GossipSubVersion.Floodsub)
        {
            OnIHave(peer, rpc.IHave, now);
            OnIWant(peer, rpc.IWant, effects);
            OnGraft(peer, rpc.Graft, now);
            OnPrune(peer, rpc.Prune, now);
        }

        Flush(effects);
    }

    /// <summary>As <see cref="Receive"/> for an RPC of one message, without wrapping it.</summary>
    public void ReceiveMessage(PeerId from, GossipMessage message, long now, List<GossipEffect> effects)
    {
        if (_peers.TryGetValue(from, out var peer) && peer.Score >= _parameters.Score.GraylistThreshold)
        {
            OnMessage(peer, message, now, effects);
        }
    }

    /// <summary>True when <see cref="Receive"/> would look at the message's signature: lets an adapter check it beforehand, on another thread.</summary>
    public bool Wants(PeerId from, GossipMessage message) =>
        message.Authenticity == Authenticity.Unchecked
        && _peers.TryGetValue(from, out var peer) && peer.Score >= _parameters.Score.GraylistThreshold
        && _topics.TryGetValue(message.Topic, out var topic) && topic.Joined
        && message.Data.Length <= _parameters.MaxMessageSize
        && !_seen.Contains(message.Key);

    /// <summary>The RPC's bytes made no sense, or it was over the size limit.</summary>
    public void ReceivedGarbage(PeerId from)
    {
        Rejected++;
        _score.Misbehaved(from);
    }

    /// <summary>The verdict on a message that <see cref="GossipEffectKind.Validate"/> asked for.</summary>
    public void Validated(PeerId from, GossipMessage message, PubSub.Validation verdict, long now, List<GossipEffect> effects)
    {
        switch (verdict)
        {
            case PubSub.Validation.Accept:
                Accept(from, message, now, effects);
                break;
            case PubSub.Validation.Reject:
                Rejected++;
                _rejected.Add(message.Key);
                _score.Rejected(message.Topic, message.Key, now);
                break;
            default:
                _score.Ignored(message.Key);
                break;
        }
    }

    private void OnSubscription(PeerState peer, TopicSubscription subscription)
    {
        if (subscription.Subscribe)
        {
            if (subscription.Topic.Length == 0 || subscription.Topic.Length > _parameters.MaxTopicLength || peer.Topics.Count >= _parameters.MaxTopicsPerPeer)
            {
                return;
            }

            var topic = Topic(subscription.Topic);
            if (peer.Topics.Add(topic))
            {
                topic.Subscribers.Add(peer);
                if (peer.Version == GossipSubVersion.Floodsub)
                {
                    (topic.FloodPeers ??= []).Add(peer);
                }
            }
        }
        else if (_topics.TryGetValue(subscription.Topic, out var topic) && peer.Topics.Remove(topic))
        {
            topic.Subscribers.Remove(peer);
            topic.FloodPeers?.Remove(peer);
            topic.Fanout?.Remove(peer);
            LeaveMesh(topic, peer);
            DropIfUnused(topic);
        }
    }

    private void OnMessage(PeerState peer, GossipMessage message, long now, List<GossipEffect> effects)
    {
        if (!_topics.TryGetValue(message.Topic, out var topic) || !topic.Joined)
        {
            // Nobody was promised that this peer relays topics that it does not subscribe to.
            return;
        }

        if (message.Data.Length > _parameters.MaxMessageSize || message.Authenticity == Authenticity.Invalid)
        {
            RejectFrom(peer, topic);
            return;
        }

        if (message.Authenticity == Authenticity.Unsupported || message.From.SequenceEqual(_local.Bytes.Span))
        {
            return;
        }

        if (_seen.Contains(message.Key))
        {
            Duplicates++;
            if (_rejected.Contains(message.Key))
            {
                _score.InvalidMessage(peer.ScoreRecord, topic.Name);
            }
            else
            {
                _score.Duplicate(peer.ScoreRecord, topic.Name, message.Key, now);
            }

            return;
        }

        // Marked as seen only after the signature held: else a forgery could shut the real message out.
        if (message.Authenticate(_authors) != Authenticity.Valid)
        {
            RejectFrom(peer, topic);
            return;
        }

        _seen.Add(message.Key);
        _promises.Fulfil(message.Key);
        if (_needsValidation(topic.Name))
        {
            _score.Pending(peer.ScoreRecord, message.Key);
            effects.Add(new GossipEffect(GossipEffectKind.Validate, peer.Peer, message, null));
        }
        else
        {
            Accept(peer.Peer, message, now, effects);
        }
    }

    private void RejectFrom(PeerState peer, TopicState topic)
    {
        Rejected++;
        _score.InvalidMessage(peer.ScoreRecord, topic.Name);
    }

    private void Accept(PeerId from, GossipMessage message, long now, List<GossipEffect> effects)
    {
        _peers.TryGetValue(from, out var bringer);
        _score.Accepted(bringer?.ScoreRecord, message.Topic, message.Key, now);
        _cache.Put(message);
        if (!_topics.TryGetValue(message.Topic, out var topic) || !topic.Joined)
        {
            return;
        }

        Delivered++;
        effects.Add(new GossipEffect(GossipEffectKind.Deliver, from, message, null));
        foreach (var peer in topic.Mesh)
        {
            if (peer != bringer && !peer.Peer.Bytes.Span.SequenceEqual(message.From))
            {
                Send(peer, message, effects);
            }
        }

        SendToFloodPeers(topic, message, bringer, effects);
    }

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
            if (count > 0 && count <= _parameters.GossipRetransmission)
            {
                Send(peer, message!, effects);
            }
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

            if (topic.Backoffs is { } backoffs && backoffs.TryGetValue(peer.Peer, out var until) && now < until)
            {
                var early = now < until - (long)(_parameters.PruneBackoff - _parameters.GraftFloodThreshold).TotalMilliseconds;
                _score.Misbehaved(peer.ScoreRecord, early ? 2 : 1);
                SendPrune(topic, peer, _parameters.PruneBackoff, now);
            }
            else if (peer.Score < 0 || (topic.Mesh.Count >= _parameters.Dhi && !peer.Outbound))
            {
                SendPrune(topic, peer, _parameters.PruneBackoff, now);
            }
            else
            {
                JoinMesh(topic, peer, now);
            }
        }
    }

    private void OnPrune(PeerState peer, List<Prune>? prunes, long now)
    {
        foreach (var prune in prunes ?? [])
        {
            if (!_topics.TryGetValue(prune.Topic, out var topic) || !topic.Joined)
            {
                continue;
            }

            LeaveMesh(topic, peer);
            var backoff = prune.BackoffSeconds is { } seconds and > 0
                ? TimeSpan.FromSeconds(Math.Min(seconds, (ulong)_parameters.MaxBackoff.TotalSeconds))
                : _parameters.PruneBackoff;
            AddBackoff(topic, peer.Peer, backoff, now);
        }
    }
}
