using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// The curve of held-out accuracy over runs per peer, on whole peers over TCP: those that gossip, those that are alone, and one
/// that is told all that the gossiping ones lived through. Then somebody new joins, and is restarted where nobody is.
/// </summary>
internal static class CurvePart
{
    private const string Gossiping = "gossiping";
    private const string Isolated = "isolated";
    private const string Bytes = "bytes gossiped per run";
    private const string Quiet = "s until all have the same model";
    private const string InOnePlace = "all in one place";
    private const int JudgedPeers = 4;
    private const int IsolatedPeers = 2;
    private const double MostOfIt = 0.98;
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(30);

    public static async Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken)
    {
        var curves = new CurveTable([Gossiping, Isolated, InOnePlace]);
        var costs = new CurveTable([Bytes, Quiet]);
        var joined = new List<Joining>();
        for (var seed = 1; seed <= settings.Seeds; seed++)
        {
            await SharedAsync(settings, seed, curves, costs, joined, tell, cancellationToken);
            await AloneAsync(settings, seed, curves, tell, cancellationToken);
        }

        return Report(settings, curves, costs, joined);
    }

    private static async Task SharedAsync(LearnSettings settings, int seed, CurveTable curves, CurveTable costs, List<Joining> joined, Action<string> tell, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        await using var network = await LearnNetwork.StartAsync(settings, seed, settings.Peers, 0, cancellationToken);
        await using var control = await LearnNetwork.StartAsync(settings, seed, 1, 0, cancellationToken);
        tell($"seed {seed}: {settings.Peers} peers know each other's tools after {clock.Elapsed.TotalSeconds:0} s");
        var lived = new ConcurrentQueue<BanditRun>();
        var done = 0;
        foreach (var look in settings.Checkpoints)
        {
            var before = network.GossipBytes;
            clock.Restart();
            var recorded = Math.Clamp(settings.Recorded - done, 0, look - done);
            await network.RunAsync(recorded, Told(network, lived, record: true, cancellationToken), cancellationToken);
            await network.RunAsync(look - done - recorded, Told(network, lived, record: false, cancellationToken), cancellationToken);
            var ran = clock.Elapsed;
            var quiet = await network.QuiesceAsync(cancellationToken) ?? throw new TimeoutException($"After {look} runs the peers' models did not become the same.");
            while (lived.TryDequeue(out var run))
            {
                control.Peers[0].Observe(run.Query.Text, control.IdOf(run.Tool), run.Ok);
            }

            await network.WeighedAsync(cancellationToken);
            curves.Add(Gossiping, look, await network.AccuracyAsync(JudgedPeers, cancellationToken));
            curves.Add(InOnePlace, look, await control.AccuracyAsync(1, cancellationToken));
            costs.Add(Quiet, look, quiet.TotalSeconds);
            if (look > done)
            {
                costs.Add(Bytes, look, (network.GossipBytes - before) / ((double)(look - done) * settings.Peers));
            }

            tell(string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {look} runs per peer in {ran.TotalSeconds:0.0} s: {curves.LastOf(look)}; {costs.LastOf(look)}"));
            done = look;
        }

        joined.Add(await JoinAsync(network, curves.LastAt(Gossiping, done), cancellationToken));
        tell(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {joined[^1]}"));
    }

    private static async Task AloneAsync(LearnSettings settings, int seed, CurveTable curves, Action<string> tell, CancellationToken cancellationToken)
    {
        var alone = new List<LearnNetwork>();
        try
        {
            for (var i = 0; i < IsolatedPeers; i++)
            {
                alone.Add(await LearnNetwork.StartAsync(settings, seed, 1, i, cancellationToken));
            }

            var done = 0;
            foreach (var look in settings.Checkpoints)
            {
                var accuracies = await Task.WhenAll(alone.Select(async network =>
                {
                    await network.RunAsync(look - done, Told(network, [], record: false, cancellationToken), cancellationToken);
                    return await network.AccuracyAsync(1, cancellationToken);
                }));
                curves.Add(Isolated, look, accuracies.Average());
                done = look;
            }

            tell(string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {done} runs per peer: {curves.LastAt(Isolated, done):0.000} isolated"));
        }
        finally
        {
            foreach (var network in alone)
            {
                await network.DisposeAsync();
            }
        }
    }

    private static async Task<Joining> JoinAsync(LearnNetwork network, double ofNetwork, CancellationToken cancellationToken)
    {
        // Its process is up; whom it joins through it has yet to dial.
        var peer = await network.JoinAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        double accuracy;
        do
        {
            accuracy = (await network.JudgeAsync(peer, cancellationToken)).Accuracy;
        }
        while (accuracy < MostOfIt * ofNetwork && clock.Elapsed < JoinPatience);

        var took = clock.Elapsed;
        await peer.RestartAsync(alone: true, cancellationToken);
        var kept = (await network.JudgeAsync(peer, cancellationToken)).Accuracy;
        return new Joining(took.TotalSeconds, accuracy / ofNetwork, kept / ofNetwork);
    }

    private static Func<int, BanditRun, Task> Told(LearnNetwork network, ConcurrentQueue<BanditRun> lived, bool record, CancellationToken cancellationToken) => (peer, run) =>
    {
        lived.Enqueue(run);
        if (record)
        {
            return network.Peers[peer].RecordAsync(run.Query, network.IdOf(run.Tool), run.Ok, cancellationToken);
        }

        network.Peers[peer].Observe(run.Query.Text, network.IdOf(run.Tool), run.Ok);
        return Task.CompletedTask;
    };

    private static LearnPart Report(LearnSettings settings, CurveTable curves, CurveTable costs, List<Joining> joined)
    {
        var runs = settings.Runs;
        var gossip = curves.At(Gossiping, runs).Mean;
        return new LearnPart(
            "curve",
            [
                curves.ToTable(string.Create(CultureInfo.InvariantCulture, $"Held-out top-1, {settings.Peers} whole peers over TCP, {settings.Seeds} seeds; the first {settings.Recorded} runs are recorded as trajectories, the others told to the matrix alone")),
                costs.ToTable("What it costs"),
                new LearnTable(
                    "A fresh peer joins, without a run of its own",
                    ["", "figure"],
                    [
                        [$"s from its start-up until it has {MostOfIt:0%} of the network's accuracy (at most {JoinPatience.TotalSeconds:0})", Spread.Of(joined.Select(static j => j.Seconds)).ToString("0.0")],
                        ["its accuracy then, beside the network's", Spread.Of(joined.Select(static j => j.Share)).ToString()],
                        ["the same after a restart without the others", Spread.Of(joined.Select(static j => j.Kept)).ToString()],
                    ]),
            ],
            [
                new Figure($"{settings.Peers} peers, {runs} runs each: top-1", gossip, "", curves.At(InOnePlace, runs).Mean, InOnePlace, RatioAtLeast: 0.95),
                new Figure("the same", gossip, "", curves.At(Isolated, runs).Mean, Isolated, RatioAtLeast: 1.25),
                new Figure($"a fresh peer's way to {MostOfIt:0%} of the network's accuracy, slowest seed", joined.Max(static j => j.Seconds), "s", AtMost: 10),
                new Figure("what it keeps over a restart without the others, worst seed", joined.Min(static j => j.Kept), "", 1, "the network", RatioAtLeast: MostOfIt),
                new Figure(Bytes, costs.At(Bytes, runs).Mean, "B"),
            ],
            [curves.ToPanel($"held-out top-1, {settings.Peers} peers")]);
    }

    /// <summary>How somebody new did.</summary>
    private sealed record Joining(double Seconds, double Share, double Kept)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"a fresh peer has {Share:0.000} of the network's accuracy after {Seconds:0.0} s, {Kept:0.000} after a restart alone");
    }
}
