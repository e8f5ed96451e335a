using System.Collections.Immutable;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What an agent made of one query.</summary>
/// <param name="Query">The query.</param>
/// <param name="Tool">The tool that it chose.</param>
/// <param name="Ok">Whether that was the right one.</param>
internal sealed record BanditRun(LabelledQuery Query, string Tool, bool Ok);

/// <summary>
/// An agent without a model: it takes the tool that its peer ranks first for a query, now and then another at random, and
/// learns only whether that one was right. All that it becomes better by is its peer's ranking.
/// </summary>
internal sealed class BanditAgent(ImmutableArray<LabelledQuery> queries, ImmutableArray<string> tools, int seed)
{
    /// <summary>How often it explores.</summary>
    public const double Exploration = 0.05;

    private readonly Random _random = new(seed);

    /// <summary>A seed for an agent's number in an experiment, the same in every process.</summary>
    public static int SeedOf(int experiment, int agent) => unchecked((experiment * 1_000_003) + agent);

    /// <summary>The query that it works on next.</summary>
    public LabelledQuery Next() => queries[_random.Next(queries.Length)];

    /// <summary>Does the work with what its peer ranks first; null: with any tool.</summary>
    public BanditRun Run(LabelledQuery query, string? first)
    {
        var tool = first is null || _random.NextDouble() < Exploration ? tools[_random.Next(tools.Length)] : first;
        return new BanditRun(query, tool, tool == query.Tool);
    }
}
