using System.Globalization;
using System.Text;
using System.Text.Json;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>One figure of ours and of js-libp2p in the same run, and what their ratio should be.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">In what.</param>
/// <param name="Ours">Ours.</param>
/// <param name="Js">js-libp2p's.</param>
/// <param name="Bar">What ours over theirs should be at most, or at least when more is better; null where nothing is asked.</param>
/// <param name="MoreIsBetter">For rates.</param>
internal sealed record Comparison(string Name, string Unit, double Ours, double Js, double? Bar = null, bool MoreIsBetter = false)
{
    public double Ratio => Ours / Js;

    public bool? Met => Bar is not { } bar ? null : MoreIsBetter ? Ratio >= bar : Ratio <= bar;

    /// <summary>The middle of the rounds.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}

/// <summary>All figures of a run.</summary>
internal sealed record ComparisonReport(IReadOnlyList<Comparison> Figures)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public string ToJson() => JsonSerializer.Serialize(new { figures = Figures, machine = LoopReport.Machine() }, CamelCase);

    public string ToMarkdown()
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{LoopReport.Machine()}\n\n| figure | Hyperspace | js-libp2p 3 | ratio | bar | |\n|---|---|---|---|---|---|\n"));
        foreach (var f in Figures)
        {
            var bar = f.Bar is { } b ? $"{(f.MoreIsBetter ? "≥" : "≤")} {b.ToString(CultureInfo.InvariantCulture)}×" : "";
            text.Append(CultureInfo.InvariantCulture, $"| {f.Name} | {LoopReport.Number(f.Ours)} {f.Unit} | {LoopReport.Number(f.Js)} {f.Unit} | {f.Ratio:0.00}× | {bar} | {(f.Met is { } met ? met ? "met" : "missed" : "")} |\n");
        }

        return text.ToString();
    }
}
