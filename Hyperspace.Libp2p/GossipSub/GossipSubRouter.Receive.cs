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

        // Before the messages, so that none of them is forwarded in vain.
        OnIDontWant(peer, rpc.IDontWant);
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
            OnPrune(peer, rpc.Prune, now, effects);
        }

        Flush(effects);
    }

    /// <summary>As <see cref="Receive"/> for an RPC of one message, without wrapping it.</summary>
    public void ReceiveMessage(PeerId from, GossipMessage message, long now, List<GossipEffect> effects)
    {
        if (_peers.TryGetValue(from, out var peer) && peer.Score >= _parameters.Score.GraylistThreshold)
        {
            OnMessage(peer, message, now, effects);
            Flush(effects);
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
            if (subscription.Topic.Length == 0 || subscription.Topic.Length > _parameters.MaxTopicLength || peer.Topics.Count >= _parameters.MaxTopicsPerPeer
                || _parameters.SubscriptionFilter?.Invoke(subscription.Topic) == false)
            {
                return;
            }

            var topic = Topic(subscription.Topic);
            if (peer.Topics.Add(topic))
            {
                topic.Subscribers.Add(peer);
                if (!peer.Meshes)
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
            topic.Gossiped.Remove(peer);
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
        Refuse(topic, peer, message);
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

    /// <summary>
    /// Tells the mesh at once, before any validator is asked, that a large message has come (IDONTWANT). Not before the
    /// signature held: else a forgery would make the mesh withhold the real message.
    /// </summary>
    private void Refuse(TopicState topic, PeerState bringer, GossipMessage message)
    {
        if (message.Data.Length < _parameters.IDontWantMinSize)
        {
            return;
        }

        foreach (var peer in topic.Mesh)
        {
            if (peer != bringer && peer.Version >= GossipSubVersion.V12 && !peer.Peer.Bytes.Span.SequenceEqual(message.From) && !Refused(peer, message.Key))
            {
                (Pending(peer).IDontWant ??= []).Add(message.Id);
            }
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
            if (peer != bringer && Lacks(peer, message))
            {
                Send(peer, message, effects);
            }
        }

        SendToFloodPeers(topic, message, bringer, effects);
    }
}
