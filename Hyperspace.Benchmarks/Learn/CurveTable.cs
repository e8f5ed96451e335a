using System.Globalization;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>Values of several kinds over runs per peer, one of each seed.</summary>
internal sealed class CurveTable(IReadOnlyList<string> kinds)
{
    private readonly SortedDictionary<int, Dictionary<string, List<double>>> _values = [];

    public void Add(string kind, int runs, double value)
    {
        if (!_values.TryGetValue(runs, out var at))
        {
            _values.Add(runs, at = kinds.ToDictionary(static k => k, static _ => new List<double>(), StringComparer.Ordinal));
        }

        at[kind].Add(value);
    }

    public Spread At(string kind, int runs) => Spread.Of(_values[runs][kind]);

    public double LastAt(string kind, int runs) => _values[runs][kind][^1];

    /// <summary>What the latest seed gave.</summary>
    public string LastOf(int runs) =>
        string.Join(", ", kinds.Where(k => _values[runs][k].Count > 0).Select(k => string.Create(CultureInfo.InvariantCulture, $"{_values[runs][k][^1]:0.000} {k}")));

    public LearnTable ToTable(string title) =>
        new(title, ["runs per peer", .. kinds], [.. _values.Keys.Select(runs => (IReadOnlyList<string>)[runs.ToString(CultureInfo.InvariantCulture), .. kinds.Select(k => At(k, runs).ToString())])]);

    /// <summary>Lines of the means; the scale of runs is logarithmic, so that it begins with the first run.</summary>
    public PlotPanel ToPanel(string title) =>
        new(title, [.. kinds.Select(k => new PlotSeries(k, [.. _values.Keys.Where(static runs => runs > 0).Select(runs => ((double)runs, At(k, runs).Mean))]))]);
}
