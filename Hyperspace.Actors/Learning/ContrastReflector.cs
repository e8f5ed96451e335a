using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Learns from the contrast of runs that went well with runs that went badly, without a model: which tool and which
/// provider to call, which parameters made the difference, which errors to expect (the reflector of ACE,
/// arXiv:2510.04618, reduced to what can be counted). Pure and deterministic.
/// </summary>
internal sealed class ContrastReflector : IReflector
{
    /// <summary>Most runs of either outcome that are compared; every author's best come first.</summary>
    public const int MaxRuns = 512;

    /// <inheritdoc/>
    public IReadOnlyList<DerivedBullet> Reflect(IReadOnlyList<KeptTrajectory> runs)
    {
        var compared = Fairly(runs.Where(run => !run.IsFailure)).Concat(Fairly(runs.Where(run => run.IsFailure)));
        var calls = compared.SelectMany(ToolCall.Of).ToList();
        var bullets = new List<DerivedBullet>();
        foreach (var tool in calls.GroupBy(call => call.Tool, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var findings = ParameterContrast.Find(tool.Key, [.. GoodCalls(tool)], [.. BadCalls(tool)]).ToList();
            bullets.AddRange(findings.Select(finding => finding.Bullet));
            bullets.AddRange(Pitfalls(tool.Key, [.. tool]));

            // A failure that a parameter explains is not held against the tool.
            var explained = findings.SelectMany(finding => finding.Bullet.Context).ToHashSet();
            var judged = tool.Where(call => !explained.Contains(call.Run) || call.Run.IsSuccess).ToList();
            bullets.AddRange(Choices(PlaybookSections.Tools, judged, _ => tool.Key, (good, _) => good ? $"Use {tool.Key}." : $"Avoid {tool.Key}; runs that used it failed.", runs.Any(run => run.IsSuccess)));
            if (judged.Select(call => call.Provider).Where(provider => provider.Length > 0).Distinct().Count() > 1)
            {
                bullets.AddRange(Choices(PlaybookSections.Providers, judged.Where(call => call.Provider.Length > 0), call => call.Provider, (good, provider) => good
                    ? $"Call {tool.Key} at {provider}."
                    : $"Avoid {tool.Key} at {provider}; runs that used it failed.", judged.Any(call => call.Run.IsSuccess)));
            }
        }

        return bullets;
    }

    private static IEnumerable<KeptTrajectory> Fairly(IEnumerable<KeptTrajectory> runs) =>
        FairShare.Order(runs, KeptTrajectory.BestFirst, run => run.Author).Take(MaxRuns);

    /// <summary>For each choice: advice to take it when runs succeeded with it, advice against it when all of them failed while other runs succeeded.</summary>
    private static IEnumerable<DerivedBullet> Choices(string section, IEnumerable<ToolCall> calls, Func<ToolCall, string> choiceOf, Func<bool, string, string> text, bool othersSucceeded)
    {
        foreach (var choice in calls.GroupBy(choiceOf, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var succeeded = choice.Where(call => call.Run.IsSuccess && call.Ok).Select(call => call.Run).ToHashSet();
            var failed = choice.Where(call => call.Run.IsFailure).Select(call => call.Run).ToHashSet();
            if (succeeded.Count > 0)
            {
                yield return new DerivedBullet(section, text(true, choice.Key), succeeded, failed, []);
            }
            else if (failed.Count > 0 && othersSucceeded)
            {
                yield return new DerivedBullet(section, text(false, choice.Key), failed, [], []);
            }
        }
    }

    /// <summary>Of a run that succeeded, its last good call: the earlier ones may have been tries.</summary>
    private static IEnumerable<ToolCall> GoodCalls(IEnumerable<ToolCall> calls) =>
        calls.Where(call => call.Run.IsSuccess && call.Ok).GroupBy(call => call.Run.Id, StringComparer.Ordinal).Select(run => run.Last());

    private static IEnumerable<ToolCall> BadCalls(IEnumerable<ToolCall> calls) => calls.Where(call => call.Run.IsFailure || !call.Ok);

    private static IEnumerable<DerivedBullet> Pitfalls(string tool, IReadOnlyList<ToolCall> calls)
    {
        var fine = calls.Where(call => call.Ok && call.Parameters is not null).ToList();
        foreach (var error in calls.Where(call => call.ErrorCode.Length > 0).GroupBy(call => call.ErrorCode, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var failing = error.Where(call => call.Parameters is not null).ToList();
            var condition = failing.Count == error.Count() && fine.Count > 0 ? ConditionOf(failing, fine) : "";
            yield return new DerivedBullet(PlaybookSections.Pitfalls, $"{tool} fails with {error.Key}{condition}.", [.. error.Select(call => call.Run).Distinct()], [], []);
        }
    }

    /// <summary>What all failing calls have in common and no good one: a parameter left out, or a value.</summary>
    private static string ConditionOf(IReadOnlyList<ToolCall> failing, IReadOnlyList<ToolCall> fine)
    {
        var absent = fine[0].Parameters!.Keys.Order(StringComparer.Ordinal)
            .FirstOrDefault(key => fine.All(call => call.Parameters!.ContainsKey(key)) && !failing.Any(call => call.Parameters!.ContainsKey(key)));
        if (absent is not null)
        {
            return $" when {absent} is left out";
        }

        var value = failing[0].Parameters!.OrderBy(p => p.Key, StringComparer.Ordinal).Where(p =>
                failing.All(call => call.Parameters!.GetValueOrDefault(p.Key) == p.Value)
                && !fine.Any(call => call.Parameters!.GetValueOrDefault(p.Key) == p.Value))
            .Select(p => $" when {p.Key}={p.Value}").FirstOrDefault();
        return value ?? "";
    }
}
