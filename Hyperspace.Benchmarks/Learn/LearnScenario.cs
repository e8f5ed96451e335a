using System.Diagnostics;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>Agents that can become better only by what their peers know.</summary>
internal static class LearnScenario
{
    private static readonly (string Name, Func<LearnSettings, Action<string>, CancellationToken, Task<LearnPart>> RunAsync)[] Parts =
    [
        ("curve", CurvePart.RunAsync),
        ("rounds", RoundsPart.RunAsync),
        ("poison", PoisonPart.RunAsync),
        ("liars", LiarsPart.RunAsync),
        ("sim", SimulatedPart.RunAsync),
    ];

    /// <summary>Names of the parts, in their order.</summary>
    public static IEnumerable<string> PartNames => Parts.Select(static p => p.Name);

    /// <summary>Runs the named parts, or all.</summary>
    public static async Task<LearnReport> RunAsync(LearnSettings settings, IReadOnlyCollection<string> only, Action<string> tell, CancellationToken cancellationToken)
    {
        var parts = new List<LearnPart>();
        foreach (var (name, runAsync) in Parts.Where(p => only.Count == 0 || only.Contains(p.Name)))
        {
            var clock = Stopwatch.StartNew();
            var part = await runAsync(settings, text => tell($"{name}: {text}"), cancellationToken);
            parts.Add(part with { Seconds = clock.Elapsed.TotalSeconds });
        }

        return new LearnReport(settings, parts);
    }
}
