namespace Hyperspace.Actors.SelfImproving;

/// <summary>Finds runs that are near to an input: cosine of their words, weighted by how rare a word is among the kept runs; pure.</summary>
internal static class TrajectoryRetrieval
{
    /// <summary>All kinds of runs: the nearest first, then the better ones; everything by reward when there is no input.</summary>
    public static IReadOnlyList<KeptTrajectory> Query(IReadOnlyList<KeptTrajectory> bestFirst, string? input, int limit) =>
        [.. Ranked(bestFirst, input).Take(limit)];

    /// <summary>Runs in their order, each with its nearness to the input from 0 to 1; all of them near when there is no input.</summary>
    public static IEnumerable<(KeptTrajectory Run, double Nearness)> Near(IReadOnlyList<KeptTrajectory> runs, string? input)
    {
        var query = Terms.HashesOf(Terms.Of(input));
        if (query.Length == 0)
        {
            return runs.Select(run => (run, 1.0));
        }

        var frequency = new Dictionary<uint, int>();
        foreach (var term in runs.SelectMany(run => run.Terms))
        {
            frequency[term] = frequency.GetValueOrDefault(term) + 1;
        }

        double Weight(uint term) => Math.Pow(Math.Log(1 + ((runs.Count + 1.0) / (frequency.GetValueOrDefault(term) + 0.5))), 2);
        var wanted = query.ToHashSet();
        var queryNorm = Math.Sqrt(query.Sum(Weight));

        // Rounding keeps "equally near" from hanging on the last bit.
        return runs.Select(run => (run, Math.Round(
            run.Terms.Where(wanted.Contains).Sum(Weight) / (queryNorm * Math.Max(1e-9, Math.Sqrt(run.Terms.Sum(Weight)))), 3)));
    }

    // OrderBy is stable: equally near runs stay best first.
    private static IEnumerable<KeptTrajectory> Ranked(IReadOnlyList<KeptTrajectory> bestFirst, string? input) =>
        Near(bestFirst, input).OrderByDescending(near => near.Nearness).Select(near => near.Run);
}
