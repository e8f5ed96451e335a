using System.Collections.Immutable;
using System.Diagnostics;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// Peers that learn together over the mesh: each offers its share of the tools, finds the others', and chooses, runs and
/// records by itself.
/// </summary>
internal sealed class LearnNetwork : IAsyncDisposable
{
    private const int Doors = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Unchanged = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private readonly List<LearnPeer> _peers = [];
    private readonly List<BanditAgent> _agents = [];
    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);

    private LearnNetwork(LearnSettings settings, QuerySplit split)
    {
        Settings = settings;
        Split = split;
    }

    public LearnSettings Settings { get; }

    public QuerySplit Split { get; }

    public IReadOnlyList<LearnPeer> Peers => _peers;

    /// <summary>Bytes of gossip that all peers have sent.</summary>
    public long GossipBytes => _peers.Sum(static p => p.Gossip.BytesOut);

    /// <summary>Starts peers that know of each other's tools.</summary>
    /// <param name="settings">How large.</param>
    /// <param name="seed">The split, and what the agents do.</param>
    /// <param name="peers">How many; one alone has all tools itself.</param>
    /// <param name="firstAgent">The number of the first one's agent: agents of equal numbers do the same.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<LearnNetwork> StartAsync(LearnSettings settings, int seed, int peers, int firstAgent, CancellationToken cancellationToken)
    {
        var network = new LearnNetwork(settings, settings.Data.Split(seed, Math.Min(ToolQueries.HeldOut, settings.Data.Queries.Length / 4)));
        try
        {
            for (var i = 0; i < peers; i++)
            {
                network._agents.Add(new BanditAgent(network.Split.Train, [.. settings.Data.Tools.Keys.Select(LearnPeer.NameOf)], BanditAgent.SeedOf(seed, firstAgent + i)));
                await network.JoinAsync(cancellationToken);
            }

            await Task.WhenAll(network._peers.Select((peer, i) => peer.OfferAsync(settings.Data.Tools.Where((_, t) => t % peers == i), cancellationToken)));
            foreach (var (tool, i) in settings.Data.Tools.Keys.Select(static (tool, i) => (LearnPeer.NameOf(tool), i)))
            {
                network._ids[tool] = $"{network._peers[i % peers].PeerId}/{tool}";
            }

            foreach (var peer in network._peers)
            {
                await network.KnowsAllAsync(peer, cancellationToken);
            }

            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more peer, which offers nothing; the network's last from now on.</summary>
    public async Task<LearnPeer> JoinAsync(CancellationToken cancellationToken)
    {
        var doors = _peers.Count <= Doors ? _peers : [.. Enumerable.Range(0, Doors).Select(d => _peers[(_peers.Count - 1) / (1 << d)])];
        var peer = await LearnPeer.StartAsync([.. doors.Select(static p => p.Address)], cancellationToken);
        _peers.Add(peer);
        return peer;
    }

    /// <summary>Every peer does so many runs, all at once.</summary>
    /// <param name="runs">Runs of each.</param>
    /// <param name="tell">How the peer of a number is told of a run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task RunAsync(int runs, Func<int, BanditRun, Task> tell, CancellationToken cancellationToken) =>
        RunAsync(_ => runs, tell, cancellationToken);

    /// <summary>As <see cref="RunAsync(int, Func{int, BanditRun, Task}, CancellationToken)"/>, with as many runs as <paramref name="runsOf"/> says of a peer's number.</summary>
    public Task RunAsync(Func<int, int> runsOf, Func<int, BanditRun, Task> tell, CancellationToken cancellationToken) =>
        Task.WhenAll(_agents.Select((agent, i) => Task.Run(
            async () =>
            {
                for (var run = 0; run < runsOf(i); run++)
                {
                    var query = agent.Next();
                    var first = await _peers[i].FirstAsync(query.Text, cancellationToken);
                    await tell(i, agent.Run(query with { Tool = LearnPeer.NameOf(query.Tool) }, first?.Name));
                }
            },
            cancellationToken)));

    /// <summary>The names of all tools.</summary>
    public IReadOnlyList<string> Tools => [.. Settings.Data.Tools.Keys.Select(LearnPeer.NameOf)];

    /// <summary>The id of a tool in this network, by its name.</summary>
    public string IdOf(string tool) => _ids[tool];

    /// <summary>Waits until all peers have the same model. Returns how long it took, or null when that did not come about in time.</summary>
    public async Task<TimeSpan?> QuiesceAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            var models = await Task.WhenAll(_peers.Select(p => p.DigestAsync(cancellationToken)));
            if (models.Distinct().Count() == 1)
            {
                return clock.Elapsed;
            }

            await Task.Delay(LookEvery, cancellationToken);
        }

        return null;
    }

    /// <summary>Waits until nobody has weighed anybody anew for longer than a peer takes to look again; gives up after a while.</summary>
    public async Task WeighedAsync(CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var (since, versions) = (TimeSpan.Zero, "");
        while (clock.Elapsed - since < Unchanged && clock.Elapsed < Patience)
        {
            if (string.Join(' ', _peers.Select(static p => p.Trust)) is var now && now != versions)
            {
                (since, versions) = (clock.Elapsed, now);
            }

            await Task.Delay(LookEvery, cancellationToken);
        }
    }

    /// <summary>How right a peer's ranking is.</summary>
    public async Task<Judgement> JudgeAsync(LearnPeer peer, CancellationToken cancellationToken)
    {
        var queries = Split.HeldOut[..Settings.Judged];
        return Judgement.Of(queries, await peer.FirstOfAllAsync(queries, cancellationToken));
    }

    /// <summary>The mean over some of the peers, evenly among them.</summary>
    public async Task<double> AccuracyAsync(int sample, CancellationToken cancellationToken)
    {
        var accuracies = new List<double>();
        for (var i = 0; i < Math.Min(sample, _peers.Count); i++)
        {
            accuracies.Add((await JudgeAsync(_peers[i * _peers.Count / Math.Min(sample, _peers.Count)], cancellationToken)).Accuracy);
        }

        return accuracies.Average();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            await peer.DisposeAsync();
        }
    }

    /// <summary>Waits until a peer knows every tool.</summary>
    /// <exception cref="TimeoutException">It does not within three minutes.</exception>
    public async Task KnowsAllAsync(LearnPeer peer, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var missing = "";
        while (clock.Elapsed < Patience)
        {
            var known = (await peer.ToolsAsync(_ids.Count, cancellationToken)).ToHashSet(StringComparer.Ordinal);
            if (_ids.Values.All(known.Contains))
            {
                return;
            }

            missing = _ids.Values.First(id => !known.Contains(id));
            await Task.Delay(LookEvery, cancellationToken);
        }

        throw new TimeoutException($"A peer did not hear of {missing} within {Patience.TotalSeconds:0} s.");
    }
}
