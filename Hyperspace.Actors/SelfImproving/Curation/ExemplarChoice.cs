namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>A run that may be shown as an example.</summary>
/// <param name="Run">The run.</param>
/// <param name="Value">Q·nearness·trust: 0 to 1.</param>
internal sealed record Exemplar(KeptTrajectory Run, double Value);

/// <summary>Chooses runs to start from; pure and deterministic.</summary>
internal static class ExemplarChoice
{
    /// <summary>What a run of quite another input is worth, so that some example is better than none.</summary>
    private const double Afar = 0.01;

    // Enough that "equally good" does not hang on the last bit.
    private const int Digits = 6;

    /// <summary>
    /// All candidates, best first: every goal's best before any goal's second, by Q, nearness and trust in the author.
    /// Authors whose word counts for nothing here come into it only while no proven author has any candidate, and
    /// repaired failures after runs that went well by themselves.
    /// </summary>
    /// <param name="bestFirst">The kept runs.</param>
    /// <param name="input">What is to be done; null: anything.</param>
    /// <param name="value">Q and trust.</param>
    /// <param name="allowed">Whether a run is in the set of exemplars that is in use.</param>
    public static IReadOnlyList<Exemplar> Rank(IReadOnlyList<KeptTrajectory> bestFirst, string? input, ExemplarValue value, Func<KeptTrajectory, bool> allowed)
    {
        var candidates = bestFirst.Where(run => run.IsExemplar && allowed(run)).ToList();
        double Weight(KeptTrajectory run) => run.Author == value.Self ? 1 : value.WeightOf(run.Author);
        if (candidates.Exists(run => Weight(run) > 0))
        {
            candidates.RemoveAll(run => Weight(run) <= 0);
        }

        var turns = new Dictionary<string, int>(StringComparer.Ordinal);
        return
        [
            .. TrajectoryRetrieval.Near(candidates, input)
                .Select(near => new Exemplar(near.Run, Math.Round(value.Of(near.Run) * Math.Max(Afar, near.Nearness) * (Weight(near.Run) is > 0 and var weight ? weight : 1), Digits)))
                .OrderBy(exemplar => exemplar.Run.IsRepair)
                .ThenByDescending(exemplar => exemplar.Value)
                .Select(exemplar => (Exemplar: exemplar, Turn: turns[exemplar.Run.Goal] = turns.GetValueOrDefault(exemplar.Run.Goal, -1) + 1))
                .ToList()
                .OrderBy(entry => entry.Turn)
                .Select(entry => entry.Exemplar),
        ];
    }
}
