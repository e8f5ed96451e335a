using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>Finds the parameters of a tool that told its good calls from its bad ones; pure.</summary>
internal static class ParameterContrast
{
    private const int MaxFailedValues = 3;
    private const int NearUniqueFrom = 4;

    /// <summary>A parameter that made the difference, with the failures that it explains.</summary>
    public sealed record Finding(ParameterAdvice Advice, DerivedBullet Bullet);

    /// <summary>Compares the calls of one tool.</summary>
    /// <param name="tool">The tool's name.</param>
    /// <param name="good">Calls that their runs' success rests on.</param>
    /// <param name="bad">Calls of failed runs, and failed calls of others.</param>
    public static IEnumerable<Finding> Find(string tool, IReadOnlyList<ToolCall> good, IReadOnlyList<ToolCall> bad)
    {
        good = [.. good.Where(call => call.Parameters is not null)];
        bad = [.. bad.Where(call => call.Parameters is not null)];
        if (good.Count == 0 || bad.Count == 0)
        {
            yield break;
        }

        foreach (var key in good.Concat(bad).SelectMany(call => call.Parameters!.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            var goodRuns = RunsByValue(good, key);
            var badRuns = RunsByValue(bad, key);
            if (!IsNearUnique(good, bad, key) && Contrast(tool, key, goodRuns, badRuns) is { } finding)
            {
                yield return finding;
            }
        }
    }

    private static Finding? Contrast(string tool, string key, Dictionary<string, HashSet<KeptTrajectory>> good, Dictionary<string, HashSet<KeptTrajectory>> bad)
    {
        int Good(string value) => good.GetValueOrDefault(value)?.Count ?? 0;
        int Bad(string value) => bad.GetValueOrDefault(value)?.Count ?? 0;

        var best = good.Keys.OrderByDescending(value => Good(value) - Bad(value)).ThenByDescending(Good).ThenBy(value => value, StringComparer.Ordinal).First();
        var failed = bad.Keys.Where(value => value != best && Bad(value) > Good(value))
            .OrderByDescending(Bad).ThenBy(value => value, StringComparer.Ordinal).Take(MaxFailedValues).ToList();
        if (Good(best) <= Bad(best) || failed.Count == 0)
        {
            return null;
        }

        var advice = new ParameterAdvice(tool, key, best.Length == 0 ? null : best);
        var text = advice.ToText([.. failed.Select(value => value.Length == 0 ? null : value)]);
        return new Finding(advice, new DerivedBullet(
            ParameterAdvice.Section, text, good[best], bad.GetValueOrDefault(best) ?? [], [.. failed.SelectMany(value => bad[value]).Distinct()]));
    }

    /// <summary>Runs by the value of a key; the empty string stands for leaving it out, which no JSON value is.</summary>
    private static Dictionary<string, HashSet<KeptTrajectory>> RunsByValue(IEnumerable<ToolCall> calls, string key)
    {
        var runs = new Dictionary<string, HashSet<KeptTrajectory>>(StringComparer.Ordinal);
        foreach (var call in calls)
        {
            var value = call.Parameters!.GetValueOrDefault(key, "");
            (runs.TryGetValue(value, out var set) ? set : runs[value] = []).Add(call.Run);
        }

        return runs;
    }

    /// <summary>Values that are different nearly every time are data, not settings.</summary>
    private static bool IsNearUnique(IReadOnlyList<ToolCall> good, IReadOnlyList<ToolCall> bad, string key)
    {
        var values = good.Concat(bad).Select(call => call.Parameters!.GetValueOrDefault(key)).Where(value => value is not null).ToList();
        return values.Count >= NearUniqueFrom && values.Distinct().Count() * 2 > values.Count;
    }
}
