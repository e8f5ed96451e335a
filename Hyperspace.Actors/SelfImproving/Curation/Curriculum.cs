using System.Globalization;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>
/// What is worth practising next: goals that succeed sometimes (the frontier filter of Agent0, arXiv:2511.16043). What
/// always works teaches nothing more, and neither does what never works. Pure; a local view, since every author's runs
/// count by the trust that this peer has in it.
/// </summary>
internal static class Curriculum
{
    /// <summary>Success rates that are kept: from here…</summary>
    public const double MinRate = 0.3;

    /// <summary>…to here, both included.</summary>
    public const double MaxRate = 0.8;

    /// <summary>Attempts of one author that count; more are scaled down, so that no one decides a rate by volume.</summary>
    public const int AuthorCap = 64;

    private const double Slack = 1e-9;

    /// <summary>The goals of the frontier, the most worth first; ties by more attempts, then by goal.</summary>
    /// <param name="runs">The kept runs, best first.</param>
    /// <param name="weightOf">0 to 1 by peer id; 1 for this peer itself.</param>
    /// <param name="limit">Most goals.</param>
    public static IReadOnlyList<CurriculumGoal> Of(IReadOnlyList<KeptTrajectory> runs, Func<string, double> weightOf, int limit)
    {
        var repaired = runs.Where(run => run.IsVerifiedRepair && weightOf(run.Author) > 0).Select(run => run.Repairs!).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. runs.Where(run => !run.IsRepair && run.HasInput)
                .GroupBy(run => run.Goal, StringComparer.Ordinal)
                .Select(goal => Judge(goal.Key, [.. goal.Where(run => weightOf(run.Author) > 0)], weightOf, repaired))
                .OfType<CurriculumGoal>()
                .OrderByDescending(goal => goal.Value).ThenByDescending(goal => goal.Attempts).ThenBy(goal => goal.Goal, StringComparer.Ordinal)
                .Take(limit),
        ];
    }

    private static CurriculumGoal? Judge(string goal, IReadOnlyList<KeptTrajectory> runs, Func<string, double> weightOf, IReadOnlySet<string> repaired)
    {
        var (succeeded, tried, attempts, peers) = (0.0, 0.0, 0L, 0);
        foreach (var author in runs.GroupBy(run => run.Author, StringComparer.Ordinal).OrderBy(author => author.Key, StringComparer.Ordinal))
        {
            var (tries, successes) = TallyOf([.. author]);
            var weight = weightOf(author.Key) * Math.Min(1, AuthorCap / (double)tries);
            (succeeded, tried) = (succeeded + (weight * successes), tried + (weight * tries));
            (attempts, peers) = (attempts + tries, peers + 1);
        }

        var rate = tried > 0 ? succeeded / tried : 0;
        if (rate < MinRate - Slack || rate > MaxRate + Slack)
        {
            return null;
        }

        var why = string.Create(CultureInfo.InvariantCulture, $"{rate:P0} of {attempts} attempts by {peers} {(peers == 1 ? "peer" : "peers")} went well.");
        return new CurriculumGoal(goal, runs[0].Parse().Input, Math.Round(rate, 4), attempts, Math.Round(1 - (2 * Math.Abs(rate - 0.5)), 4), why)
        {
            Failed = runs.Where(run => run.IsFailure && !repaired.Contains(run.Id)).OrderByDescending(run => run.Time).ThenBy(run => run.Id, StringComparer.Ordinal).FirstOrDefault()?.Id,
        };
    }

    /// <summary>What one author tried of a goal: its own statistics where a run carries them, since not every run is kept; else the kept runs.</summary>
    private static (long Tries, long Successes) TallyOf(IReadOnlyList<KeptTrajectory> runs)
    {
        var last = runs.OrderByDescending(run => run.Tries).ThenByDescending(run => run.Successes).ThenBy(run => run.Id, StringComparer.Ordinal).First();
        return last.Tries > runs.Count ? (last.Tries, Math.Min(last.Successes, last.Tries)) : (runs.Count, runs.Count(run => run.IsSuccess));
    }
}
