namespace Hyperspace.Benchmarks.Simulation;

/// <summary>
/// What lies between two peers. One-way latency is log-normal: each pair of peers has a median of its own, drawn around
/// <see cref="MedianLatency"/>, and each packet strays a little from it. Bandwidth and processing time are not modelled.
/// </summary>
internal sealed record NetworkModel
{
    /// <summary>Median one-way latency over all pairs, in milliseconds.</summary>
    public double MedianLatency { get; init; } = 50;

    /// <summary>Spread over the pairs: sigma of the logarithm. With 0.5, one pair in a hundred is beyond 160 ms and one below 16 ms.</summary>
    public double Spread { get; init; } = 0.5;

    /// <summary>Spread over one pair's packets: sigma of the logarithm.</summary>
    public double Jitter { get; init; } = 0.1;

    /// <summary>Share of RPCs that vanish. TCP would send them again; here they are gone, as when a sender's queue overflows or a stream breaks.</summary>
    public double Loss { get; init; }

    /// <summary>The median one-way latency between two peers, in milliseconds: the same in both directions and for the same seed.</summary>
    public double LatencyBetween(int a, int b, int seed)
    {
        var hash = Mix(((ulong)(uint)Math.Min(a, b) << 32 | (uint)Math.Max(a, b)) + Mix((ulong)(uint)seed + 0x9E3779B97F4A7C15));
        return MedianLatency * Math.Exp(Spread * Normal(Unit(hash), Unit(Mix(hash + 0x9E3779B97F4A7C15))));
    }

    /// <summary>How long one packet takes on a link whose median is given, in milliseconds; at least 1.</summary>
    public long Delay(double median, Random random) =>
        Math.Max(1, (long)Math.Round(median * Math.Exp(Jitter * Normal(1 - random.NextDouble(), random.NextDouble()))));

    /// <summary>Whether the next RPC vanishes.</summary>
    public bool Loses(Random random) => Loss > 0 && random.NextDouble() < Loss;

    // Box and Muller.
    private static double Normal(double u, double v) => Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v);

    private static double Unit(ulong hash) => ((hash >> 11) + 1) * (1.0 / ((1UL << 53) + 1.0));

    // SplitMix64's finaliser.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
