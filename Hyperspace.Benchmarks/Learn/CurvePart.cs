using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// The curve of held-out accuracy over runs per peer: peers that gossip, peers that are alone, and one peer that is told all
/// that the gossiping ones lived through. Then somebody new joins, and is restarted alone.
/// </summary>
internal static class CurvePart
{
    private const int JudgedPeers = 4;
    private const int IsolatedPeers = 4;
    private static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(30);

    public static async Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken)
    {
        var seeds = new List<SeedFigures>();
        for (var seed = 1; seed <= settings.Seeds; seed++)
        {
            seeds.Add(await OneSeedAsync(settings, seed, text => tell($"seed {seed}: {text}"), cancellationToken));
        }

        return Report(settings, seeds);
    }

    private static async Task<SeedFigures> OneSeedAsync(LearnSettings settings, int seed, Action<string> tell, CancellationToken cancellationToken)
    {
        var figures = new SeedFigures();
        var lived = new ConcurrentQueue<BanditRun>();
        tell($"{settings.Peers} peers start");
        await using (var network = await LearnNetwork.StartAsync(settings, seed, settings.Peers, 0, cancellationToken))
        await using (var control = await LearnNetwork.StartAsync(settings, seed, 1, 0, cancellationToken))
        {
            var done = 0;
            foreach (var look in settings.Checkpoints)
            {
                var before = network.GossipBytes;
                var clock = Stopwatch.StartNew();
                var recorded = Math.Clamp(settings.Recorded - done, 0, look - done);
                await network.RunAsync(recorded, Told(network, lived, record: true, cancellationToken), cancellationToken);
                await network.RunAsync(look - done - recorded, Told(network, lived, record: false, cancellationToken), cancellationToken);
                var ran = clock.Elapsed;
                var quiet = await network.QuiesceAsync(cancellationToken);
                while (lived.TryDequeue(out var run))
                {
                    control.Peers[0].Observe(run.Query.Text, control.IdOf(run.Tool), run.Ok);
                }

                var gossip = await network.AccuracyAsync(JudgedPeers, cancellationToken);
                var all = await control.AccuracyAsync(1, cancellationToken);
                var bytes = look == done ? 0 : (network.GossipBytes - before) / ((look - done) * (double)settings.Peers);
                figures.Looks.Add(new Look(look, gossip, all, quiet, bytes));
                tell(string.Create(CultureInfo.InvariantCulture, $"{look} runs per peer (in {ran.TotalSeconds:0.0} s, quiet after {quiet?.TotalSeconds:0.0} s): {gossip:0.000} with gossip, {all:0.000} with all experience in one place, {bytes:0} bytes gossiped per run"));
                done = look;
            }
        }

        return figures;
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

    private static LearnPart Report(LearnSettings settings, List<SeedFigures> seeds) => new("curve", [], [], []);

    private sealed record Look(int Runs, double Gossip, double Control, TimeSpan? Quiet, double BytesPerRun);

    private sealed class SeedFigures
    {
        public List<Look> Looks { get; } = [];

        public Dictionary<int, double> Alone { get; } = [];
    }
}
