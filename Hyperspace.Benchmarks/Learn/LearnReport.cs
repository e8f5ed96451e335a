using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What several seeds gave: mean and standard deviation (of the sample).</summary>
internal sealed record Spread(double Mean, double Deviation, int Count)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var all = values.ToList();
        var mean = all.Count == 0 ? double.NaN : all.Average();
        return new Spread(mean, all.Count < 2 ? 0 : Math.Sqrt(all.Sum(v => (v - mean) * (v - mean)) / (all.Count - 1)), all.Count);
    }

    public override string ToString() => ToString("0.000");

    /// <summary>With so many digits.</summary>
    public string ToString(string format)
    {
        string Number(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return Count == 0 ? "" : Count < 2 ? Number(Mean) : $"{Number(Mean)} ± {Number(Deviation)}";
    }
}

/// <summary>A table of a part.</summary>
internal sealed record LearnTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>What one part showed.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Tables">What was measured.</param>
/// <param name="Figures">What is asked of it.</param>
/// <param name="Panels">Its pictures.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record LearnPart(string Name, IReadOnlyList<LearnTable> Tables, IReadOnlyList<Figure> Figures, IReadOnlyList<PlotPanel> Panels, double Seconds = 0);

/// <summary>All that was shown.</summary>
internal sealed record LearnReport(LearnSettings Settings, IReadOnlyList<LearnPart> Parts)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>False when a figure is not as it must be.</summary>
    public bool IsMet => Parts.SelectMany(static p => p.Figures).All(static f => f.Met != false);

    public string ToJson() => JsonSerializer.Serialize(
        new { Settings.Seeds, Settings.Peers, Settings.Runs, parts = Parts.Select(static p => new { p.Name, p.Tables, p.Figures, p.Seconds }), machine = LoopReport.Machine() },
        CamelCase);

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        foreach (var table in Parts.SelectMany(static p => p.Tables))
        {
            text.Append(CultureInfo.InvariantCulture, $"**{table.Title}**\n\n| {string.Join(" | ", table.Columns)} |\n|{string.Concat(table.Columns.Select(static (_, i) => i == 0 ? "---|" : "--:|"))}\n");
            foreach (var row in table.Rows)
            {
                text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row)} |\n");
            }

            text.Append('\n');
        }

        text.Append(new LoopReport([.. Parts.SelectMany(static p => p.Figures)]).ToMarkdown());
        return text.Append(CultureInfo.InvariantCulture, $"\n{string.Join(", ", Parts.Select(static p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.Seconds:0} s")))}\n").ToString();
    }

    /// <summary>The parts' pictures side by side as SVG; null when there are none.</summary>
    public string? Plot() => Parts.SelectMany(static p => p.Panels).ToList() is { Count: > 0 } panels ? SvgPlot.Render("runs per peer", panels) : null;
}
