using System.Globalization;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What attacks gave over the seeds, by name in the order of their first seed.</summary>
/// <param name="tell">Hears of each as it comes.</param>
internal sealed class PoisonFigures(Action<string> tell)
{
    private readonly List<(string Name, List<Harm> Harms)> _harms = [];
    private readonly List<(string Name, List<double> Runs)> _times = [];

    /// <summary>One attack of one seed.</summary>
    public void Add(string name, Harm harm)
    {
        Of(_harms, name).Add(harm);
        tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: top-1 {harm.Accuracy:0.000}, promoted first {harm.Promotion:0.0000}, for the rival's queries {harm.Aimed:0.000} (fresh peer {harm.Fresh:0.000}), a liar weighs {harm.Liar:0.00}, an honest peer {harm.Honest:0.00}"));
    }

    /// <summary>How many runs something took with one seed; infinitely many: longer than was watched.</summary>
    public void Add(string name, double runs)
    {
        Of(_times, name).Add(runs);
        tell(string.Create(CultureInfo.InvariantCulture, $"{name}: {runs} runs"));
    }

    /// <summary>All of another.</summary>
    public void Add(PoisonFigures other)
    {
        foreach (var (name, harms) in other._harms)
        {
            Of(_harms, name).AddRange(harms);
        }

        foreach (var (name, runs) in other._times)
        {
            Of(_times, name).AddRange(runs);
        }
    }

    /// <summary>Whether there is such an attack.</summary>
    public bool Has(string name) => _harms.Exists(h => h.Name == name);

    /// <summary>One figure of an attack over the seeds.</summary>
    public Spread Of(string name, Func<Harm, double> figure) => Spread.Of(_harms.Find(h => h.Name == name).Harms.Select(figure));

    /// <summary>A row per attack.</summary>
    public LearnTable ToTable(string title) => new(
        title,
        ["", "held-out top-1", "the promoted tool first", "first for its rival's queries", "the same of a fresh peer", "a liar weighs", "an honest peer weighs"],
        [.. _harms.Select(h => (IReadOnlyList<string>)[h.Name, .. ((Func<Harm, double>[])[x => x.Accuracy, x => x.Promotion, x => x.Aimed, x => x.Fresh, x => x.Liar, x => x.Honest]).Select(f => Of(h.Name, f).ToString())])]);

    /// <summary>A row per time: the median, and how many of the seeds came to an end while they were watched.</summary>
    /// <param name="watched">For so many runs.</param>
    public LearnTable ToTimes(int watched) => new(
        "Runs until",
        ["", "median", "all seeds", $"within {watched}"],
        [.. _times.Select(t => (IReadOnlyList<string>)[t.Name, Number(MedianOf(t.Runs)), string.Join(", ", t.Runs.Select(Number)), $"{t.Runs.Count(double.IsFinite)} of {t.Runs.Count}"])]);

    /// <summary>The middle one; of an even number, the mean of both.</summary>
    public static double MedianOf(IEnumerable<double> values)
    {
        var all = values.Order().ToList();
        return all.Count == 0 ? double.NaN : (all[(all.Count - 1) / 2] + all[all.Count / 2]) / 2;
    }

    private static string Number(double runs) => double.IsFinite(runs) ? runs.ToString("0.#", CultureInfo.InvariantCulture) : "never";

    private static List<T> Of<T>(List<(string Name, List<T> Values)> all, string name)
    {
        if (all.Find(a => a.Name == name).Values is not { } found)
        {
            all.Add((name, found = []));
        }

        return found;
    }
}
