using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Hyperspace.Benchmarks.Loop;

/// <summary>One measured figure, and the same figure of other software in the same run, if there is any.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">Ours.</param>
/// <param name="Unit">In what.</param>
/// <param name="Peer">The other software's value.</param>
/// <param name="PeerName">Its name.</param>
/// <param name="AtMost">What ours may be at most, in the unit.</param>
/// <param name="RatioAtLeast">What ours over theirs must be at least.</param>
/// <param name="RatioAtMost">What ours over theirs may be at most.</param>
internal sealed record Figure(
    string Name, double Value, string Unit, double? Peer = null, string? PeerName = null, double? AtMost = null, double? RatioAtLeast = null, double? RatioAtMost = null)
{
    /// <summary>Ours over theirs.</summary>
    public double? Ratio => Peer is > 0 ? Value / Peer : null;

    /// <summary>Whether it is as it must be; null where nothing is asked, or there is nothing beside it. What is no number is not as it must be.</summary>
    public bool? Met => AtMost is { } most ? Value <= most
        : Peer is not { } peer ? null
        : RatioAtLeast is { } least ? peer > 0 && Value >= least * peer
        : RatioAtMost is { } limit ? Value <= limit * peer : null;

    /// <summary>What is asked.</summary>
    public string Bar => AtMost is { } most ? $"≤ {LoopReport.Number(most)} {Unit}" : RatioAtLeast is { } least ? $"≥ {least.ToString(CultureInfo.InvariantCulture)}×"
        : RatioAtMost is { } limit ? $"≤ {limit.ToString(CultureInfo.InvariantCulture)}×" : "";
}

/// <summary>All figures of a run.</summary>
internal sealed record LoopReport(IReadOnlyList<Figure> Figures)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public string ToJson() => JsonSerializer.Serialize(new { figures = Figures, machine = Machine() }, CamelCase);

    public string ToMarkdown()
    {
        var bars = Figures.Any(f => f.Met is not null);
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{Machine()}\n\n| figure | Hyperspace | beside it | ratio |{(bars ? " bar | |" : "")}\n|---|---|---|---|{(bars ? "---|---|" : "")}\n"));
        foreach (var figure in Figures)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {figure.Name} | {Number(figure.Value)} {figure.Unit} | {(figure.Peer is { } peer ? $"{figure.PeerName}: {Number(peer)} {figure.Unit}" : "")} | {(figure.Ratio is { } ratio ? ratio.ToString("0.00", CultureInfo.InvariantCulture) + "×" : "")} |{(bars ? $" {figure.Bar} | {(figure.Met is { } met ? met ? "met" : "missed" : "")} |" : "")}\n");
        }

        return text.ToString();
    }

    /// <summary>What it was measured on.</summary>
    public static string Machine() => $"{Environment.ProcessorCount} cores, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}, .NET {Environment.Version}";

    /// <summary>A figure with three digits or so.</summary>
    public static string Number(double value) => value.ToString(value >= 100 ? "#,0" : value >= 10 ? "0.0" : "0.000", CultureInfo.InvariantCulture);
}

/// <summary>Latencies of one operation.</summary>
internal sealed class Latencies
{
    private readonly List<double> _milliseconds = [];

    public void Add(TimeSpan latency) => _milliseconds.Add(latency.TotalMilliseconds);

    public double Percentile(double share)
    {
        var sorted = _milliseconds.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }
}
