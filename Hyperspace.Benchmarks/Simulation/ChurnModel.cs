namespace Hyperspace.Benchmarks.Simulation;

/// <summary>Peers leave at random moments (a Poisson process) and come back later, having forgotten everything but their identity.</summary>
/// <param name="PerMinute">Share of the peers that leave in a minute.</param>
internal sealed record ChurnModel(double PerMinute)
{
    /// <summary>How long a peer stays away on average (exponentially distributed).</summary>
    public TimeSpan MeanAbsence { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Milliseconds until the next of <paramref name="population"/> peers leaves.</summary>
    public long NextLeave(int population, Random random) =>
        PerMinute <= 0 || population == 0 ? long.MaxValue / 2 : Exponential(60_000 / (PerMinute * population), random);

    /// <summary>Milliseconds until a peer that left comes back.</summary>
    public long Absence(Random random) => Exponential(MeanAbsence.TotalMilliseconds, random);

    private static long Exponential(double mean, Random random) => (long)Math.Ceiling(-mean * Math.Log(1 - random.NextDouble()));
}
