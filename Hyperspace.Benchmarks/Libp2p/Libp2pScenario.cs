using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>Ours beside js-libp2p 3, in one run on one machine.</summary>
internal static class Libp2pScenario
{
    private const int Line = 3;

    private static readonly (string Name, Func<Contestant, Contestant, CancellationToken, Task<IReadOnlyList<Comparison>>> RunAsync)[] Parts =
    [
        ("pair", PairScenario.RunAsync),
        ("gossip", GossipScenario.PairAsync),
        ("mesh", GossipScenario.MeshAsync),
        ("dht", DhtScenario.RunAsync),
        ("memory", IdleMemoryScenario.RunAsync),
    ];

    /// <summary>Names of the parts, in their order.</summary>
    public static IEnumerable<string> PartNames => Parts.Select(p => p.Name);

    /// <param name="only">Parts to run; none runs all.</param>
    /// <param name="tell">Progress.</param>
    /// <param name="cancellationToken">Gives up; every process ends.</param>
    /// <exception cref="InvalidOperationException">js-libp2p cannot be installed here.</exception>
    public static async Task<ComparisonReport> RunAsync(IReadOnlyCollection<string> only, Action<string> tell, CancellationToken cancellationToken)
    {
        if (await NpmFolder.InstallAsync($"libp2p-{Line}") is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        var figures = new List<Comparison>();
        foreach (var (name, runAsync) in Parts.Where(p => only.Count == 0 || only.Contains(p.Name)))
        {
            tell(name);
            figures.AddRange(await runAsync(Contestant.Hyperspace, Contestant.Js(Line), cancellationToken));
        }

        return new ComparisonReport(figures);
    }
}
