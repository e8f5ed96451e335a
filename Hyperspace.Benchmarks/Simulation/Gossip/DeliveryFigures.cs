namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>Who of those that should have got the messages did, when, and over how many links.</summary>
internal sealed class DeliveryFigures
{
    private readonly Dictionary<int, long> _latencies = [];
    private readonly Dictionary<int, long> _hops = [];

    /// <summary>Pairs of a message and a peer that should get it.</summary>
    public long Expected { get; private set; }

    /// <summary>Those that it reached.</summary>
    public long Delivered { get; private set; }

    public double Ratio => Expected == 0 ? 1 : (double)Delivered / Expected;

    public double MeanHops => Delivered == 0 ? 0 : (double)_hops.Sum(h => h.Key * h.Value) / Delivered;

    public int MaxHops => _hops.Count == 0 ? 0 : _hops.Keys.Max();

    public void Add(MessageTrack track, int peer)
    {
        Expected++;
        if (track.LatencyTo(peer) is not { } latency)
        {
            return;
        }

        Delivered++;
        _latencies[latency] = _latencies.GetValueOrDefault(latency) + 1;
        var hops = track.HopsTo(peer);
        _hops[hops] = _hops.GetValueOrDefault(hops) + 1;
    }

    /// <summary>The latency, in virtual milliseconds, that this share of the deliveries did not exceed.</summary>
    public int Percentile(double share)
    {
        var left = (long)Math.Ceiling(share * Delivered);
        foreach (var (latency, count) in _latencies.OrderBy(static l => l.Key))
        {
            left -= count;
            if (left <= 0)
            {
                return latency;
            }
        }

        return 0;
    }
}
