namespace Hyperspace.Libp2p.GossipSub;

/// <summary>Weights and thresholds of peer scoring (gossipsub v1.1). The defaults are js-libp2p's.</summary>
public sealed record PeerScoreParameters
{
    /// <summary>Below it a peer gets no gossip and its IHAVE and IWANT are ignored.</summary>
    public double GossipThreshold { get; init; } = -10;

    /// <summary>Below it a peer gets no own messages by flood publish or fanout.</summary>
    public double PublishThreshold { get; init; } = -50;

    /// <summary>Below it all RPCs of a peer are ignored.</summary>
    public double GraylistThreshold { get; init; } = -80;

    /// <summary>A mesh whose median score is below it is improved by opportunistic grafting.</summary>
    public double OpportunisticGraftThreshold { get; init; } = 20;

    /// <summary>P4: weight of the square of invalid messages, per topic (not above 0).</summary>
    public double InvalidMessageWeight { get; init; } = -1;

    /// <summary>P4: factor per decay interval.</summary>
    public double InvalidMessageDecay { get; init; } = 0.3;

    /// <summary>P5: weight of <see cref="AppSpecificScore"/>.</summary>
    public double AppSpecificWeight { get; init; } = 10;

    /// <summary>P5: what the application thinks of a peer; asked once per decay interval and when a peer comes. Quick, no locks.</summary>
    public Func<PeerId, double>? AppSpecificScore { get; init; }

    /// <summary>P7: weight of the square of misbehaviour over the threshold (not above 0).</summary>
    public double BehaviourWeight { get; init; } = -10;

    /// <summary>P7: misbehaviour that is forgiven.</summary>
    public double BehaviourThreshold { get; init; }

    /// <summary>P7: factor per decay interval.</summary>
    public double BehaviourDecay { get; init; } = 0.2;

    /// <summary>Time between decays.</summary>
    public TimeSpan DecayInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Counters below it become zero.</summary>
    public double DecayToZero { get; init; } = 0.1;

    /// <summary>How long a bad score outlives the connection.</summary>
    public TimeSpan RetainScore { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>
/// Scores of peers: P4 (invalid messages), P5 (application), P7 (behaviour). P1-P3 and P6 belong here too: they add
/// counters to <see cref="Record"/> and terms to <see cref="Compute"/>.
/// </summary>
internal sealed class PeerScore(PeerScoreParameters parameters)
{
    private const int MaxRetained = 10_000;
    private readonly Dictionary<PeerId, Record> _records = [];
    private long? _lastDecay;
    private int _retained;

    /// <summary>The peer connected: its old record, if it left a bad one, or a new one.</summary>
    public Record Connect(PeerId peer)
    {
        if (!_records.TryGetValue(peer, out var record))
        {
            _records[peer] = record = new Record(peer);
        }
        else if (record.DisconnectedAt is not null)
        {
            record.DisconnectedAt = null;
            _retained--;
        }

        Compute(record, askApplication: true);
        return record;
    }

    /// <summary>The peer is gone; only a bad score is kept, so that reconnecting does not wash it off.</summary>
    public void Disconnect(PeerId peer, long now)
    {
        if (_records.TryGetValue(peer, out var record))
        {
            if (record.Value < 0 && _retained < MaxRetained)
            {
                record.DisconnectedAt = now;
                _retained++;
            }
            else
            {
                _records.Remove(peer);
            }
        }
    }

    /// <summary>The peer brought a message that its author did not sign or that a validator rejected (P4).</summary>
    public void InvalidMessage(Record record, string topic)
    {
        var counts = record.InvalidMessages ??= [];
        counts[topic] = counts.GetValueOrDefault(topic) + 1;
        Compute(record, askApplication: false);
    }

    /// <summary>The peer misbehaved <paramref name="count"/> times (P7): broken promise, graft in backoff, oversized RPC.</summary>
    public void Misbehaved(Record record, int count = 1)
    {
        record.BehaviourPenalty += count;
        Compute(record, askApplication: false);
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
        if (_lastDecay is { } last && now - last < (long)parameters.DecayInterval.TotalMilliseconds)
        {
            return;
        }

        _lastDecay = now;
        foreach (var (peer, record) in _records)
        {
            if (record.DisconnectedAt is { } since)
            {
                // A score does not decay while its owner stays away.
                if (now - since > (long)parameters.RetainScore.TotalMilliseconds)
                {
                    _records.Remove(peer);
                    _retained--;
                }

                continue;
            }

            record.BehaviourPenalty = Decayed(record.BehaviourPenalty, parameters.BehaviourDecay);
            if (record.InvalidMessages is { } counts)
            {
                foreach (var (topic, count) in counts)
                {
                    var left = Decayed(count, parameters.InvalidMessageDecay);
                    if (left > 0)
                    {
                        counts[topic] = left;
                    }
                    else
                    {
                        counts.Remove(topic);
                    }
                }

                record.InvalidMessages = counts.Count > 0 ? counts : null;
            }

            Compute(record, askApplication: true);
        }
    }

    private double Decayed(double value, double factor) => value * factor < parameters.DecayToZero ? 0 : value * factor;

    private void Compute(Record record, bool askApplication)
    {
        if (askApplication && parameters.AppSpecificScore is { } application)
        {
            record.AppSpecific = application(record.Peer);
        }

        var excess = Math.Max(0, record.BehaviourPenalty - parameters.BehaviourThreshold);
        var score = (parameters.AppSpecificWeight * record.AppSpecific) + (parameters.BehaviourWeight * excess * excess);
        if (record.InvalidMessages is { } counts)
        {
            foreach (var count in counts.Values)
            {
                score += parameters.InvalidMessageWeight * count * count;
            }
        }

        record.Value = score;
    }

    /// <summary>One peer's counters and the score that they come to.</summary>
    internal sealed class Record(PeerId peer)
    {
        public PeerId Peer { get; } = peer;

        public double Value { get; set; }

        public double BehaviourPenalty { get; set; }

        public double AppSpecific { get; set; }

        public Dictionary<string, double>? InvalidMessages { get; set; }

        public long? DisconnectedAt { get; set; }
    }
}
