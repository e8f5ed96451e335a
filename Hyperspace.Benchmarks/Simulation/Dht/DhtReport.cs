using System.Globalization;
using System.Text.Json;

namespace Hyperspace.Benchmarks.Simulation.Dht;

/// <summary>What a <see cref="DhtScenario"/> showed.</summary>
internal sealed record DhtReport
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public required int Peers { get; init; }

    public required int Lookups { get; init; }

    public required int Seed { get; init; }

    public required double Loss { get; init; }

    public required double Churn { get; init; }

    public required int DisjointPaths { get; init; }

    /// <summary>Share of the lookups that found the value.</summary>
    public required double Success { get; init; }

    /// <summary>The longest chain of answers that led to one of the closest peers, averaged over the lookups.</summary>
    public required double Hops { get; init; }

    public required int MaxHops { get; init; }

    /// <summary>log2(N)/2 + 2: what the mean of <see cref="Hops"/> must not exceed.</summary>
    public double HopsBound => (Math.Log2(Peers) / 2) + 2;

    /// <summary>Requests and answers per lookup.</summary>
    public required double Messages { get; init; }

    /// <summary>Peers that took a record, per put.</summary>
    public required double Holders { get; init; }

    /// <summary>Virtual milliseconds until a lookup ended.</summary>
    public required double P50Ms { get; init; }

    public required double P99Ms { get; init; }

    /// <summary>Virtual milliseconds until the first value.</summary>
    public required double FirstValueP50Ms { get; init; }

    /// <summary>Peers per routing table.</summary>
    public required double TableSize { get; init; }

    public required double WallSeconds { get; init; }

    public required double MemoryMiB { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    /// <summary>One row per run.</summary>
    public static string ToMarkdown(IEnumerable<DhtReport> reports) => string.Join('\n', reports.Select(static r => r.ToRow()).Prepend("""
        | peers | loss | churn/min | success | hops (bound) | messages per lookup | first value p50 | lookup p50 | lookup p99 | table | wall | memory |
        |---|---|---|---|---|---|---|---|---|---|---|---|
        """));

    private string ToRow() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Peers:N0} | {Loss * 100:0} % | {Churn * 100:0} % | {Success * 100:0.0} % | {Hops:0.00} ({HopsBound:0.00}) | {Messages:0} | {FirstValueP50Ms:0} ms | {P50Ms:0} ms | {P99Ms:0} ms | {TableSize:0} | {WallSeconds:0.0} s | {MemoryMiB:0} MiB |");
}
