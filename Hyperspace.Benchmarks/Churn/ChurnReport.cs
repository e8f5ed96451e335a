using System.Globalization;
using System.Text;
using System.Text.Json;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Churn;

/// <summary>The peer at one moment.</summary>
/// <param name="Seconds">Since the start.</param>
/// <param name="RssMiB">Resident memory.</param>
/// <param name="HeapMiB">Live managed memory, after a full collection.</param>
/// <param name="Handles">Open file descriptors.</param>
/// <param name="Streams">Streams over all connections.</param>
/// <param name="Connections">Connections.</param>
/// <param name="Delivered">Gossip messages received since the start.</param>
/// <param name="Partners">js peers started so far.</param>
internal sealed record ChurnSample(double Seconds, double RssMiB, double HeapMiB, int Handles, int Streams, int Connections, long Delivered, int Partners);

/// <summary>A soak's samples, and whether they are flat: by a straight line through those after the first third, nothing grows by more than what is allowed over that time.</summary>
internal sealed record ChurnReport(IReadOnlyList<ChurnSample> Samples, int Pings, int Failures)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    // Of the mean, or a little in absolute terms: what comes and goes makes any line lean somewhat.
    private static readonly (string Name, Func<ChurnSample, double> Of, double Share, double AtLeast)[] Watched =
    [
        ("resident memory, MiB", s => s.RssMiB, 0.05, 4),
        ("managed heap, MiB", s => s.HeapMiB, 0.10, 1),
        ("handles", s => s.Handles, 0.10, 6),
        ("streams", s => s.Streams, 0.10, 12),
    ];

    public bool Flat => Growths().All(g => g.Growth <= g.Allowed);

    public string ToJson() => JsonSerializer.Serialize(new { samples = Samples, pings = Pings, failures = Failures, growth = Growths().Select(g => new { g.Name, g.Growth, g.Allowed }), flat = Flat }, CamelCase);

    public string ToMarkdown()
    {
        var text = new StringBuilder($"{LoopReport.Machine()}\n\n| s | RSS, MiB | heap, MiB | handles | streams | connections | messages | js peers so far |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var s in Samples)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {s.Seconds:0} | {s.RssMiB:0.0} | {s.HeapMiB:0.00} | {s.Handles} | {s.Streams} | {s.Connections} | {s.Delivered} | {s.Partners} |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"\n{Pings} pings, {Failures} commands that failed\n\n| after warm-up | grew by | allowed |\n|---|---|---|\n");
        foreach (var (name, growth, allowed) in Growths())
        {
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {growth:0.00} | {allowed:0.00} |\n");
        }

        return text.Append(Flat ? "\nflat\n" : "\nNOT flat\n").ToString();
    }

    private IEnumerable<(string Name, double Growth, double Allowed)> Growths()
    {
        var after = Samples.Skip(Samples.Count / 3).ToList();
        return Watched.Select(w => (w.Name, Slope(after, w.Of) * (after[^1].Seconds - after[0].Seconds), Math.Max(w.AtLeast, w.Share * after.Average(w.Of))));
    }

    /// <summary>Least squares, per second.</summary>
    private static double Slope(IReadOnlyList<ChurnSample> samples, Func<ChurnSample, double> of)
    {
        var (x, y) = (samples.Average(s => s.Seconds), samples.Average(of));
        var spread = samples.Sum(s => (s.Seconds - x) * (s.Seconds - x));
        return spread == 0 ? 0 : samples.Sum(s => (s.Seconds - x) * (of(s) - y)) / spread;
    }
}
