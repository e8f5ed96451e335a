namespace Hyperspace.Benchmarks.Learn;

/// <summary>What a liar tells instead of its runs.</summary>
/// <param name="Gain">Runs that it has, or says that it has, for each of an honest peer.</param>
/// <param name="Promoted">The tool that it praises for everything, every other time; the other times it tells the opposite of what happened.</param>
internal sealed record Lie(int Gain, string Promoted)
{
    /// <summary>What it tells instead of a run, by the run's number.</summary>
    public BanditRun InsteadOf(BanditRun run, int number) => number % 2 == 0 ? run with { Tool = Promoted, Ok = true } : run with { Ok = !run.Ok };

    /// <summary>The tool that liars want to see first: another for each seed.</summary>
    public static string PromotedOf(IReadOnlyList<string> tools, int seed) => tools[new Random(seed).Next(tools.Count)];
}
