using System.Diagnostics;
using System.Globalization;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>Days of virtual time with traffic and churn, to see that nothing grows.</summary>
internal sealed record GossipSoak
{
    public int Peers { get; init; } = 60;

    public double Hours { get; init; } = 24;

    public int Dials { get; init; } = 8;

    /// <summary>Between two messages, each by a random peer.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    public ChurnModel Churn { get; init; } = new(0.02);

    public NetworkModel Network { get; init; } = new() { Loss = 0.01 };

    public int Seed { get; init; } = 1;

    /// <summary>When to look, in hours; the end is always looked at.</summary>
    public IReadOnlyList<double> LookAt { get; init; } = [1, 6, 12, 24];

    /// <summary>Runs it; <paramref name="progress"/> gets a line for each look.</summary>
    public IReadOnlyList<SoakSample> Run(Action<string>? progress = null)
    {
        var watch = Stopwatch.StartNew();
        var simulation = new GossipSimulation(Seed, Network);
        var nodes = Enumerable.Range(0, Peers).Select(i => (GossipNode)simulation.Join(new RouterNode(simulation, i), Math.Min(Dials, (Peers - 1) / 2))).ToList();
        simulation.ConnectAtRandom(nodes, nodes);
        simulation.Churn(Churn);
        simulation.Run(10_000);

        var random = new Random(simulation.NextSeed());
        var samples = new List<SoakSample>();
        var figures = new DeliveryFigures();
        foreach (var hour in LookAt.Where(h => h < Hours).Append(Hours))
        {
            while (simulation.Now < hour * 3_600_000)
            {
                Publish(simulation, random, figures);
                simulation.Run((long)Interval.TotalMilliseconds);
            }

            samples.Add(Look(simulation, hour, figures));
            figures = new DeliveryFigures();
            progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"hour {hour:0.#}: {samples[^1].HeapMiB:0.0} MiB, after {watch.Elapsed.TotalSeconds:0} s."));
        }

        return samples;
    }

    private static void Publish(GossipSimulation simulation, Random random, DeliveryFigures figures)
    {
        if (simulation.AnyHonest(random) is not { } author)
        {
            return;
        }

        var data = new byte[256];
        random.NextBytes(data);
        var track = simulation.Publish(author, data);
        simulation.After(10_000, () =>
        {
            simulation.Forget(track);
            foreach (var node in simulation.Honest.Where(n => n.JoinedAt <= track.PublishedAt - 5000 && !ReferenceEquals(n, author)))
            {
                figures.Add(track, node.Number);
            }
        });
    }

    private static SoakSample Look(GossipSimulation simulation, double hour, DeliveryFigures figures)
    {
        var sizes = simulation.Honest.Select(static n => n.Router.Sizes).ToList();
        return new SoakSample(
            hour,
            GC.GetTotalMemory(forceFullCollection: true) / (1024.0 * 1024),
            figures.Ratio,
            figures.Expected,
            new GossipRouterSizes(
                sizes.Max(static s => s.Peers),
                sizes.Max(static s => s.Topics),
                sizes.Max(static s => s.Seen),
                sizes.Max(static s => s.Cached),
                sizes.Max(static s => s.Promises),
                sizes.Max(static s => s.Backoffs),
                sizes.Max(static s => s.Scores)));
    }
}

/// <summary>One look at a soak run.</summary>
/// <param name="Hour">When, in virtual hours.</param>
/// <param name="HeapMiB">Managed memory of the whole process after a full collection.</param>
/// <param name="Delivery">Share of the deliveries expected since the look before that happened.</param>
/// <param name="Expected">How many those were.</param>
/// <param name="Largest">For each count, that of the router in which it is largest.</param>
internal sealed record SoakSample(double Hour, double HeapMiB, double Delivery, long Expected, GossipRouterSizes Largest)
{
    /// <summary>The heading of <see cref="ToRow"/>'s table.</summary>
    public static string Heading => """
        | hour | heap MiB | delivery | most peers | topics | seen | cached | promises | back-offs | score records |
        |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
        """;

    public string ToRow() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Hour:0.##} | {HeapMiB:0.0} | {Delivery:0.000%} of {Expected:#,0} | {Largest.Peers} | {Largest.Topics} | {Largest.Seen} | {Largest.Cached} | {Largest.Promises} | {Largest.Backoffs} | {Largest.Scores} |");
}
