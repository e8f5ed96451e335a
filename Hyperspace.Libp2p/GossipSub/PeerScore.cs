using System.Net;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Scores of peers (gossipsub v1.1): P1 time in mesh, P2 first deliveries, P3 mesh deliveries and P3b failures, P4 invalid
/// messages, P5 application, P6 colocation, P7 behaviour. Peers and decay here, what messages do to counters in <c>.Deliveries</c>.
/// Time is the router's; nothing here knows a clock.
/// </summary>
internal sealed partial class PeerScore(PeerScoreParameters parameters)
{
    private readonly Dictionary<PeerId, PeerScoreRecord> _records = [];
    private readonly ColocationCount _colocation = new(parameters.ColocationThreshold, parameters.ColocationWhitelist);

    // Who left in debt, by time; an entry whose peer has come back since is stale.
    private readonly Queue<(PeerScoreRecord Record, long Since)> _left = new();
    private long? _lastDecay;

    /// <summary>The peer connected: its old record, if it left debts, or a new one.</summary>
    public PeerScoreRecord Connect(PeerId peer, IPAddress? address)
    {
        if (!_records.TryGetValue(peer, out var record))
        {
            _records[peer] = record = new PeerScoreRecord(this, peer);
        }

        record.DisconnectedAt = null;
        AskApplication(record);
        if (address is not null)
        {
            _colocation.Set(record, [address]);
        }

        return record;
    }

    /// <summary>Where the peer's connections come from (P6).</summary>
    public void SetAddresses(PeerScoreRecord record, IEnumerable<IPAddress> addresses) => _colocation.Set(record, addresses);

    /// <summary>The peer is gone. Its debts are kept, and its address stays counted with them; its merits are not.</summary>
    public void Disconnect(PeerScoreRecord record, long now)
    {
        foreach (var counters in record.Topics?.Values ?? Enumerable.Empty<TopicCounters>())
        {
            LeaveMesh(counters);
            (counters.First, counters.Mesh) = (0, 0);
        }

        record.AppSpecific = 0;
        record.Changed();
        if (!record.InDebt)
        {
            Remove(record);
            return;
        }

        Retain(record, now);
    }

    /// <summary>The peer was taken into the mesh of a topic.</summary>
    public void Grafted(PeerScoreRecord record, string topic, long now)
    {
        var counters = CountersOf(record, topic);
        (counters.InMesh, counters.MeshActive) = (true, false);
        (counters.GraftedAt, counters.TimeInMesh) = (now, 0);
        record.Changed();
    }

    /// <summary>The peer is no longer in the mesh: what it owed there stays with it (P3b).</summary>
    public void Pruned(PeerScoreRecord record, string topic)
    {
        if (record.Topics is { } topics && topics.TryGetValue(topic, out var counters))
        {
            LeaveMesh(counters);
            record.Changed();
        }
    }

    /// <summary>The peer misbehaved <paramref name="count"/> times (P7): broken promise, graft in backoff, oversized RPC.</summary>
    public void Misbehaved(PeerScoreRecord record, int count = 1)
    {
        record.Behaviour += count;
        record.Changed();
    }

    /// <summary>Same for a peer that may be gone.</summary>
    public void Misbehaved(PeerId peer)
    {
        if (_records.TryGetValue(peer, out var record))
        {
            Misbehaved(record);
        }
    }

    /// <summary>Decays the counters when it is time; call it at each heartbeat.</summary>
    public void Decay(long now)
    {
        ExpireDeliveries(now);
        if (_lastDecay is { } last && now - last < (long)parameters.DecayInterval.TotalMilliseconds)
        {
            return;
        }

        _lastDecay = now;
        while (_left.TryPeek(out var oldest) && (oldest.Record.DisconnectedAt != oldest.Since || now - oldest.Since > (long)parameters.RetainScore.TotalMilliseconds))
        {
            ForgetOldest();
        }

        foreach (var record in _records.Values)
        {
            // Debts do not decay while their owner stays away.
            if (record.DisconnectedAt is null)
            {
                Decay(record, now);
            }
        }
    }

    /// <summary>Where each connected peer's score comes from.</summary>
    public IReadOnlyList<PeerScoreBreakdown> Inspect() => [.. _records.Values.Where(static r => r.DisconnectedAt is null).Select(Inspect)];

    /// <summary>The weighed parts of a score; pure.</summary>
    internal PeerScoreParts PartsOf(PeerScoreRecord record)
    {
        var topics = 0.0;
        foreach (var counters in record.Topics?.Values ?? Enumerable.Empty<TopicCounters>())
        {
            topics += ScoreOf(counters);
        }

        if (parameters.TopicScoreCap > 0)
        {
            topics = Math.Min(topics, parameters.TopicScoreCap);
        }

        var excess = Math.Max(0, record.Behaviour - parameters.BehaviourThreshold);
        return new PeerScoreParts(
            topics,
            parameters.AppSpecificWeight * record.AppSpecific,
            record.Addresses is null ? 0 : parameters.ColocationWeight * _colocation.SurplusOf(record),
            parameters.BehaviourWeight * excess * excess);
    }

    private PeerScoreBreakdown Inspect(PeerScoreRecord record)
    {
        var parts = PartsOf(record);
        var topics = (record.Topics ?? []).Select(static t => new TopicScoreBreakdown(
            t.Key,
            ScoreOf(t.Value),
            TimeSpan.FromMilliseconds(t.Value.TimeInMesh),
            t.Value.First,
            t.Value.Mesh,
            t.Value.Deficit,
            t.Value.MeshFailure,
            t.Value.Invalid));
        return new PeerScoreBreakdown(record.Peer, parts.Sum, parts.Topics, parts.AppSpecific, parts.Colocation, parts.Behaviour, [.. topics]);
    }

    private static double ScoreOf(TopicCounters counters)
    {
        var parameters = counters.Parameters;
        var score = parameters.FirstDeliveriesWeight * counters.First;
        if (counters.InMesh)
        {
            score += parameters.TimeInMeshWeight * Math.Min(counters.TimeInMesh / parameters.TimeInMeshQuantum.TotalMilliseconds, parameters.TimeInMeshCap);
            score += parameters.MeshDeliveriesWeight * counters.Deficit * counters.Deficit;
        }

        score += parameters.MeshFailureWeight * counters.MeshFailure;
        score += parameters.InvalidMessagesWeight * counters.Invalid * counters.Invalid;
        return parameters.TopicWeight * score;
    }

    private static void LeaveMesh(TopicCounters counters)
    {
        if (counters.InMesh)
        {
            counters.MeshFailure += counters.Deficit * counters.Deficit;
            (counters.InMesh, counters.MeshActive, counters.TimeInMesh) = (false, false, 0);
        }
    }

    private void Decay(PeerScoreRecord record, long now)
    {
        record.Behaviour = Decayed(record.Behaviour, parameters.BehaviourDecay);
        if (record.Topics is { } topics)
        {
            foreach (var (topic, counters) in topics)
            {
                var weights = counters.Parameters;
                counters.First = Decayed(counters.First, weights.FirstDeliveriesDecay);
                counters.Mesh = Decayed(counters.Mesh, weights.MeshDeliveriesDecay);
                counters.MeshFailure = Decayed(counters.MeshFailure, weights.MeshFailureDecay);
                counters.Invalid = Decayed(counters.Invalid, weights.InvalidMessagesDecay);
                if (counters.InMesh)
                {
                    counters.TimeInMesh = now - counters.GraftedAt;
                    counters.MeshActive |= weights.CountsMeshDeliveries && counters.TimeInMesh > (long)weights.MeshDeliveriesActivation.TotalMilliseconds;
                }
                else if (counters.Empty)
                {
                    topics.Remove(topic);
                }
            }

            record.Topics = topics.Count > 0 ? topics : null;
        }

        AskApplication(record);
    }

    private double Decayed(double value, double factor) => value * factor < parameters.DecayToZero ? 0 : value * factor;

    private void AskApplication(PeerScoreRecord record)
    {
        record.AppSpecific = parameters.AppSpecificScore?.Invoke(record.Peer) ?? 0;
        record.Changed();
    }

    private TopicCounters CountersOf(PeerScoreRecord record, string topic)
    {
        var topics = record.Topics ??= [];
        if (!topics.TryGetValue(topic, out var counters))
        {
            topics[topic] = counters = new TopicCounters(parameters.Of(topic));
        }

        return counters;
    }

    private void Retain(PeerScoreRecord record, long now)
    {
        record.DisconnectedAt = now;
        _left.Enqueue((record, now));
        while (_left.Count > parameters.MaxRetained)
        {
            ForgetOldest();
        }
    }

    private void ForgetOldest()
    {
        var (record, since) = _left.Dequeue();
        if (record.DisconnectedAt == since)
        {
            Remove(record);
        }
    }

    private void Remove(PeerScoreRecord record)
    {
        _records.Remove(record.Peer);
        _colocation.Set(record, []);
    }
}
