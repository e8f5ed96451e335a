using Hyperspace.Benchmarks.Learn;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Learn;

public class GossipingPeersTests(ITestOutputHelper output)
{
    private const int Tools = 12;
    private const int QueriesPerTool = 24;
    private const int Runs = 60;
    private const int HeldOut = 72;

    [Fact]
    public async Task Whole_peers_that_gossip_choose_better_than_one_alone_and_tell_who_comes()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var settings = new LearnSettings(Data(), Seeds: 1, Peers: 4, Runs, Recorded: 0, Judged: HeldOut, Simulated: 0, Attacks: []);
        await using var network = await LearnNetwork.StartAsync(settings, 1, settings.Peers, 0, deadline.Token);
        await RunAsync(network, deadline.Token);
        Assert.NotNull(await network.QuiesceAsync(deadline.Token));
        await network.WeighedAsync(deadline.Token);
        var together = await network.AccuracyAsync(settings.Peers, deadline.Token);

        await using var single = await LearnNetwork.StartAsync(settings, 1, 1, 0, deadline.Token);
        await RunAsync(single, deadline.Token);
        var alone = await single.AccuracyAsync(1, deadline.Token);

        await network.KnowsAllAsync(await network.JoinAsync(deadline.Token), deadline.Token);
        Assert.NotNull(await network.QuiesceAsync(deadline.Token));
        await network.WeighedAsync(deadline.Token);
        var fresh = (await network.JudgeAsync(network.Peers[^1], deadline.Token)).Accuracy;

        output.WriteLine($"together {together}, alone {alone}, fresh {fresh}");
        Assert.True(together >= 1.25 * alone, $"{together} together, {alone} alone");
        Assert.True(fresh >= 1.25 * alone, $"{fresh} of a fresh peer, {alone} alone");
    }

    private static Task RunAsync(LearnNetwork network, CancellationToken cancellationToken) => network.RunAsync(
        Runs,
        (peer, run) =>
        {
            network.Peers[peer].Observe(run.Query.Text, network.IdOf(run.Tool), run.Ok);
            return Task.CompletedTask;
        },
        cancellationToken);

    /// <summary>Tools that say nothing of themselves, and queries of which each has three of its tool's six words.</summary>
    private static ToolQueries Data()
    {
        var tools = Enumerable.Range(0, Tools).ToDictionary(t => $"tool{t}", _ => "Does something.");
        var random = new Random(7);
        var queries = Enumerable.Range(0, Tools * QueriesPerTool)
            .Select(i => (Tool: i % Tools, Words: random.GetItems(Enumerable.Range(0, 6).ToArray(), 3)))
            .Select((q, i) => new LabelledQuery(string.Join(' ', q.Words.Select(w => $"{(char)('a' + q.Tool)}{(char)('k' + w)}zu")) + $" n{i}", $"tool{q.Tool}"));
        return ToolQueries.Parse(tools, "Query,Tool\n" + string.Concat(queries.Select(q => $"{q.Text},{q.Tool}\n")));
    }
}
