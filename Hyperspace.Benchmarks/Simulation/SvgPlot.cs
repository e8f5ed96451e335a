using System.Globalization;
using System.Net;
using System.Text;

namespace Hyperspace.Benchmarks.Simulation;

/// <summary>One line of a panel: a name and its points.</summary>
internal sealed record PlotSeries(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Lines over one scale, which begins at 0.</summary>
internal sealed record PlotPanel(string Title, IReadOnlyList<PlotSeries> Series);

/// <summary>Small line plots side by side as SVG; x is logarithmic.</summary>
internal static class SvgPlot
{
    private const int Width = 250;
    private const int Height = 190;
    private const int Left = 48;
    private const int Top = 34;
    private const int Right = 14;
    private const int Bottom = 62;
    private static readonly string[] Colours = ["#1f6feb", "#d1492e", "#2a9d5c"];

    /// <summary>The SVG; every panel has the points of at least one series.</summary>
    public static string Render(string xLabel, IReadOnlyList<PlotPanel> panels)
    {
        var step = Left + Width + Right;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {step * panels.Count} {Top + Height + Bottom}" font-family="sans-serif" font-size="11" fill="#333">""").Append('\n');
        svg.Append("""<rect width="100%" height="100%" fill="#fff"/>""").Append('\n');
        for (var i = 0; i < panels.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"""<g transform="translate({(i * step) + Left},{Top})">""").Append('\n');
            Panel(svg, xLabel, panels[i]);
            svg.Append("</g>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>The least of 1, 2, 4, 6 and 8 times a power of ten that is not below the value: a quarter of it is short.</summary>
    internal static double RoundUp(double value)
    {
        if (value <= 0)
        {
            return 1;
        }

        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return new[] { 1.0, 2, 4, 6, 8, 10 }.Select(f => f * unit).First(v => v >= value * (1 - 1e-9));
    }

    private static void Panel(StringBuilder svg, string xLabel, PlotPanel panel)
    {
        var points = panel.Series.SelectMany(static s => s.Points).ToList();
        var (low, high) = (Math.Log10(points.Min(static p => p.X)), Math.Log10(points.Max(static p => p.X)));
        var top = RoundUp(points.Max(static p => p.Y));
        double X(double x) => high > low ? (Math.Log10(x) - low) / (high - low) * Width : Width / 2.0;
        double Y(double y) => Height * (1 - (y / top));

        Text(svg, 0, -14, "start", panel.Title, "font-weight=\"bold\"");
        for (var tick = 0; tick <= 4; tick++)
        {
            var y = top * tick / 4;
            svg.Append(CultureInfo.InvariantCulture, $"""<line x1="0" x2="{Width}" y1="{Y(y):0.#}" y2="{Y(y):0.#}" stroke="#ddd"/>""").Append('\n');
            Text(svg, -6, Y(y) + 4, "end", Number(y));
        }

        foreach (var x in points.Select(static p => p.X).Distinct().Order())
        {
            Text(svg, X(x), Height + 16, "middle", Number(x));
        }

        Text(svg, Width / 2.0, Height + 32, "middle", xLabel);
        for (var i = 0; i < panel.Series.Count; i++)
        {
            var (series, colour) = (panel.Series[i], Colours[i % Colours.Length]);
            var line = string.Join(' ', series.Points.OrderBy(static p => p.X).Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.#},{Y(p.Y):0.#}")));
            svg.Append(CultureInfo.InvariantCulture, $"""<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>""").Append('\n');
            foreach (var (x, y) in series.Points)
            {
                svg.Append(CultureInfo.InvariantCulture, $"""<circle cx="{X(x):0.#}" cy="{Y(y):0.#}" r="3" fill="{colour}"/>""").Append('\n');
            }

            Text(svg, i * (Width / (double)panel.Series.Count), Height + 50, "start", series.Name, $"fill=\"{colour}\"");
        }
    }

    private static void Text(StringBuilder svg, double x, double y, string anchor, string text, string attributes = "") =>
        svg.Append(CultureInfo.InvariantCulture, $"""<text x="{x:0.#}" y="{y:0.#}" text-anchor="{anchor}" {attributes}>{WebUtility.HtmlEncode(text)}</text>""").Append('\n');

    private static string Number(double value) => value.ToString(value is >= 10 or 0 ? "#,0" : "0.##", CultureInfo.InvariantCulture);
}
