namespace Hyperspace.Libp2p.GossipSub;

internal sealed partial class GossipSubRouter
{
    /// <summary>Sends an own message (signed already) and keeps it for lazy pull. The effects name its receivers.</summary>
    public void Publish(GossipMessage message, long now, List<GossipEffect> effects)
    {
        _seen.Add(message.Key);
        _cache.Put(message);
        Published++;
        var topic = Topic(message.Topic);
        if (_parameters.FloodPublish)
        {
            foreach (var peer in topic.Subscribers)
            {
                if (peer.Score >= _parameters.Score.PublishThreshold)
                {
                    Send(peer, message, effects);
                }
            }

            DropIfUnused(topic);
            return;
        }

        foreach (var peer in TargetsOf(topic, now))
        {
            Send(peer, message, effects);
        }

        SendToFloodPeers(topic, message, null, effects);
    }

    /// <summary>The mesh, made up to D while it is still forming, else the fanout.</summary>
    private List<PeerState> TargetsOf(TopicState topic, long now)
    {
        if (!topic.Joined)
        {
            topic.LastPublish = now;
            FillFrom(topic, topic.Fanout ??= [], _parameters.D);
            return topic.Fanout;
        }

        if (topic.Mesh.Count >= _parameters.D)
        {
            return topic.Mesh;
        }

        _scratch.Clear();
        _scratch.AddRange(topic.Mesh);
        FillFrom(topic, _scratch, _parameters.D);
        return _scratch;
    }

    private static void Send(PeerState peer, GossipMessage message, List<GossipEffect> effects) =>
        effects.Add(new GossipEffect(GossipEffectKind.SendMessage, peer.Peer, message, null));

    /// <summary>Nothing says that the peer has the message: it is not the author's, and was not refused.</summary>
    private bool Lacks(PeerState peer, GossipMessage message)
    {
        if (peer.Peer.Bytes.Span.SequenceEqual(message.From))
        {
            return false;
        }

        var refused = Refused(peer, message.Key);
        Spared += refused ? 1 : 0;
        return !refused;
    }

    private static bool Refused(PeerState peer, MessageKey key) => peer.Unwanted is { } unwanted && unwanted.ContainsKey(key);

    private void SendToFloodPeers(TopicState topic, GossipMessage message, PeerState? except, List<GossipEffect> effects)
    {
        foreach (var peer in topic.FloodPeers ?? [])
        {
            if (peer != except && peer.Score >= _parameters.Score.PublishThreshold && Lacks(peer, message))
            {
                Send(peer, message, effects);
            }
        }
    }

    /// <summary>Adds subscribers that may get own messages, chosen at random, until there are <paramref name="count"/>.</summary>
    private void FillFrom(TopicState topic, List<PeerState> targets, int count)
    {
        if (targets.Count >= count)
        {
            return;
        }

        var candidates = new List<PeerState>();
        foreach (var peer in topic.Subscribers)
        {
            if (peer.Meshes && peer.Score >= _parameters.Score.PublishThreshold && !targets.Contains(peer))
            {
                candidates.Add(peer);
            }
        }

        Choose(candidates, count - targets.Count);
        targets.AddRange(candidates);
    }
}
