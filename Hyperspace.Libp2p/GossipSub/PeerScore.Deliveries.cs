namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Who brought which message, as far as it still matters: while a message is judged, and for the window of P3 after it was
/// accepted. All who brought a message share its fate, those included who brought it while it was being judged.
/// </summary>
internal sealed partial class PeerScore
{
    private readonly Dictionary<MessageKey, Delivery> _deliveries = [];
    private readonly Queue<(MessageKey Key, long Until)> _windows = new();

    /// <summary>A new message came, and is going to be judged.</summary>
    public void Pending(PeerScoreRecord bringer, MessageKey key) => _deliveries[key] = new Delivery(bringer);

    /// <summary>The message is good: its bringer earned P2, and mesh peers that brought it P3.</summary>
    public void Accepted(PeerScoreRecord? bringer, string topic, MessageKey key, long now)
    {
        var weights = parameters.Of(topic);
        if (bringer is not null && weights.FirstDeliveriesWeight != 0)
        {
            var counters = CountersOf(bringer, topic);
            counters.First = Math.Min(counters.First + 1, weights.FirstDeliveriesCap);
            bringer.Changed();
        }

        _deliveries.TryGetValue(key, out var delivery);
        if (!weights.CountsMeshDeliveries)
        {
            _deliveries.Remove(key);
            return;
        }

        if (delivery is not null)
        {
            foreach (var peer in delivery.Peers)
            {
                CountMeshDelivery(peer, topic);
            }
        }
        else if (bringer is not null)
        {
            CountMeshDelivery(bringer, topic);
            _deliveries[key] = delivery = new Delivery(bringer);
        }
        else
        {
            return;
        }

        delivery.Until = now + (long)weights.MeshDeliveriesWindow.TotalMilliseconds;
        _windows.Enqueue((key, delivery.Until.Value));
    }

    /// <summary>The message is bad: P4 for all who brought it.</summary>
    public void Rejected(string topic, MessageKey key, long now)
    {
        if (!_deliveries.Remove(key, out var delivery))
        {
            return;
        }

        foreach (var peer in delivery.Peers)
        {
            // Who left before the verdict, perhaps to escape it, is held to it all the same.
            if (!_records.TryGetValue(peer.Peer, out var record))
            {
                _records[peer.Peer] = record = peer;
                Retain(record, now);
            }

            InvalidMessage(record, topic);
        }
    }

    /// <summary>The message is neither: nobody gains or loses.</summary>
    public void Ignored(MessageKey key) => _deliveries.Remove(key);

    /// <summary>A further copy of a message that was seen.</summary>
    public void Duplicate(PeerScoreRecord bringer, string topic, MessageKey key, long now)
    {
        if (_deliveries.TryGetValue(key, out var delivery) && (delivery.Until is null || now <= delivery.Until) && delivery.Peers.Add(bringer) && delivery.Until is not null)
        {
            CountMeshDelivery(bringer, topic);
        }
    }

    /// <summary>The peer brought a message that its author did not sign or that was rejected before (P4).</summary>
    public void InvalidMessage(PeerScoreRecord record, string topic)
    {
        CountersOf(record, topic).Invalid++;
        record.Changed();
    }

    private void CountMeshDelivery(PeerScoreRecord record, string topic)
    {
        if (record.Topics is { } topics && topics.TryGetValue(topic, out var counters) && counters.InMesh)
        {
            counters.Mesh = Math.Min(counters.Mesh + 1, counters.Parameters.MeshDeliveriesCap);
            record.Changed();
        }
    }

    /// <summary>Forgets deliveries whose window is over.</summary>
    private void ExpireDeliveries(long now)
    {
        // Windows of topics differ; one that ends early waits behind a longer one, for at most that long.
        while (_windows.TryPeek(out var oldest) && oldest.Until < now)
        {
            _windows.Dequeue();
            _deliveries.Remove(oldest.Key);
        }
    }

    private sealed class Delivery(PeerScoreRecord first)
    {
        /// <summary>All who brought the message in time.</summary>
        public HashSet<PeerScoreRecord> Peers { get; } = [first];

        /// <summary>The end of the window, once the message was accepted.</summary>
        public long? Until { get; set; }
    }
}
