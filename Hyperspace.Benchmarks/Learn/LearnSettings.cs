namespace Hyperspace.Benchmarks.Learn;

/// <summary>How large the experiments are.</summary>
/// <param name="Data">Queries and tools.</param>
/// <param name="Seeds">How many times, each with another split and other choices.</param>
/// <param name="Peers">Peers of the network.</param>
/// <param name="Runs">Runs of each.</param>
/// <param name="Recorded">Of these, how many are recorded as trajectories; the rest is told to the matrix alone.</param>
/// <param name="Judged">Held-out queries that a peer is judged by.</param>
/// <param name="Simulated">Peers of the simulated network.</param>
/// <param name="Attacks">Which of <see cref="PoisonPart.AttackNames"/>; all when there are none.</param>
internal sealed record LearnSettings(ToolQueries Data, int Seeds, int Peers, int Runs, int Recorded, int Judged, int Simulated, IReadOnlyCollection<string> Attacks)
{
    private static readonly int[] Looks = [0, 16, 32, 64, 120, 240, 480, 960];

    /// <summary>Runs per peer at which it is looked how good the peers are.</summary>
    public IReadOnlyList<int> Checkpoints => [.. Looks.Where(r => r < Runs).Append(Runs)];

    /// <summary>What each seed gives, in their order; as many at once as there are processors.</summary>
    public IReadOnlyList<T> EachSeed<T>(Func<int, T> run) =>
        [.. Enumerable.Range(1, Seeds).AsParallel().AsOrdered().WithMergeOptions(ParallelMergeOptions.FullyBuffered).WithExecutionMode(ParallelExecutionMode.ForceParallelism).Select(run)];
}
