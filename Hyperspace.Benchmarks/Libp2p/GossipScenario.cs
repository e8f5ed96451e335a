using System.Diagnostics;
using System.Text.Json;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>Gossip of 256 B among processes in full mesh: latency at a low rate, the highest rate that is sustained, and what a message costs.</summary>
internal static class GossipScenario
{
    private const string Topic = "bench";
    private const int Size = 256;
    private const int LatencyRounds = 3;
    private const int LatencyMessages = 120;
    private const int LatencyRate = 20;
    private const int CpuRate = 1000;
    private const int StepSeconds = 2;
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>A step of a ramp.</summary>
    /// <param name="Rate">Messages per second, of all publishers together.</param>
    /// <param name="P99">The worst receiver's 99th percentile, in ms.</param>
    private sealed record Step(int Rate, double P99);

    public static async Task<IReadOnlyList<Comparison>> PairAsync(Contestant ours, Contestant theirs, CancellationToken cancellationToken)
    {
        await using var us = await StartAsync(ours, 2, cancellationToken);
        await using var them = await StartAsync(theirs, 2, cancellationToken);
        List<(double P50, double P99)> ourLatency = [], jsLatency = [];
        for (var round = 0; round < LatencyRounds; round++)
        {
            ourLatency.Add(await LatencyAsync(us, cancellationToken));
            jsLatency.Add(await LatencyAsync(them, cancellationToken));
        }

        // Of one publisher; and warm: a first, slow second belongs to nobody's figure.
        await CpuAsync(us, cancellationToken);
        await CpuAsync(them, cancellationToken);
        var (ourCpu, jsCpu) = (await CpuAsync(us, cancellationToken), await CpuAsync(them, cancellationToken));
        int[] rates = [1000, 2000, 3000, 4000, 6000, 8000, 12_000, 16_000, 20_000, 24_000, 32_000, 48_000];
        var js = await RampAsync(them, rates, publishers: 1, cancellationToken);
        var our = await RampAsync(us, rates, publishers: 1, cancellationToken);
        var jsBest = js[^1];
        var ourBest = our.LastOrDefault(s => s.P99 <= jsBest.P99) ?? our[0];
        return
        [
            new Comparison("gossip, two processes, 256 B at 20/s, p50", "ms", Comparison.Median(ourLatency.Select(l => l.P50)), Comparison.Median(jsLatency.Select(l => l.P50)), 0.5),
            new Comparison("the same, p99", "ms", Comparison.Median(ourLatency.Select(l => l.P99)), Comparison.Median(jsLatency.Select(l => l.P99))),
            new Comparison("gossip, two processes, CPU per message, publish + receive, at 1,000/s", "µs", ourCpu, jsCpu, 0.5),
            new Comparison("gossip, two processes, highest sustained at a p99 no worse", "msg/s", ourBest.Rate, jsBest.Rate, 3, MoreIsBetter: true),
            new Comparison("p99 at that rate", "ms", ourBest.P99, jsBest.P99, 1),
            new Comparison("gossip, two processes, highest sustained", "msg/s", our[^1].Rate, jsBest.Rate, MoreIsBetter: true),
        ];
    }

    public static async Task<IReadOnlyList<Comparison>> MeshAsync(Contestant ours, Contestant theirs, CancellationToken cancellationToken)
    {
        const int Nodes = 5;
        int[] rates = [100, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400, 9600];
        var results = new List<Step>();
        foreach (var contestant in (Contestant[])[theirs, ours])
        {
            await using var group = await StartAsync(contestant, Nodes, cancellationToken);
            await StepAsync(group, 100, Nodes, cancellationToken);
            results.Add((await RampAsync(group, rates, Nodes, cancellationToken))[^1]);
        }

        return
        [
            new Comparison("gossip, five processes in full mesh, highest sustained", "msg/s", results[1].Rate, results[0].Rate, 3, MoreIsBetter: true),
            new Comparison("p99 at that rate", "ms", results[1].P99, results[0].P99),
        ];
    }

    private static async Task<PeerGroup> StartAsync(Contestant contestant, int count, CancellationToken cancellationToken)
    {
        var group = await contestant.StartAsync(count);
        await group.DialAllAsync();
        await group.JoinAsync(Topic, cancellationToken);
        return group;
    }

    private static async Task<(double P50, double P99)> LatencyAsync(PeerGroup pair, CancellationToken cancellationToken)
    {
        await ReceivedAsync(pair[1], reset: true);
        await PublishAsync(pair[0], LatencyMessages, LatencyRate);
        await UntilReceivedAsync(pair[1], LatencyMessages, cancellationToken);
        var got = await ReceivedAsync(pair[1], reset: true);
        return (got.GetProperty("p50Ms").GetDouble(), got.GetProperty("p99Ms").GetDouble());
    }

    /// <summary>Processor time of both per message, in µs, at a rate that both bear.</summary>
    private static async Task<double> CpuAsync(PeerGroup pair, CancellationToken cancellationToken)
    {
        const int Messages = 3 * CpuRate;
        await ReceivedAsync(pair[1], reset: true);
        var before = pair.CpuMilliseconds();
        await PublishAsync(pair[0], Messages, CpuRate);
        await UntilReceivedAsync(pair[1], Messages, cancellationToken);
        return (pair.CpuMilliseconds() - before) * 1000 / Messages;
    }

    /// <summary>
    /// Steps upward while they are sustained: publishers keep 95% of the rate for two seconds, everybody has at least 99.9%
    /// of what was published a second later, and the p99 is at most 250 ms. A step gets a second try.
    /// </summary>
    private static async Task<IReadOnlyList<Step>> RampAsync(PeerGroup group, int[] rates, int publishers, CancellationToken cancellationToken)
    {
        var steps = new List<Step>();
        foreach (var rate in rates)
        {
            if ((await StepAsync(group, rate, publishers, cancellationToken) ?? await StepAsync(group, rate, publishers, cancellationToken)) is not { } step)
            {
                break;
            }

            steps.Add(step);
        }

        return steps.Count > 0 ? steps : throw new InvalidOperationException($"Not even {rates[0]} messages per second were sustained.");
    }

    private static async Task<Step?> StepAsync(PeerGroup group, int rate, int publishers, CancellationToken cancellationToken)
    {
        const double KeptShare = 0.95;
        const double ArrivedShare = 0.999;
        const double MaxP99 = 250;
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var peer in group.Peers)
        {
            await ReceivedAsync(peer, reset: true);
        }

        var each = rate * StepSeconds / publishers;
        var published = await Task.WhenAll(group.Peers.Take(publishers).Select(p => PublishAsync(p, each, (double)rate / publishers)));
        var keptUp = published.All(p => p.GetProperty("ms").GetDouble() * KeptShare <= StepSeconds * 1000);
        var clock = Stopwatch.StartNew();
        var receivers = publishers == 1 ? group.Peers.Skip(1).ToList() : group.Peers;
        var expected = (long)(each * (publishers == 1 ? 1 : publishers - 1) * ArrivedShare);
        var arrived = await Task.WhenAll(receivers.Select(ArriveAsync));

        // What is still on its way would fall into the next step.
        await QuietAsync();
        var p99 = 0.0;
        foreach (var peer in receivers)
        {
            p99 = Math.Max(p99, (await ReceivedAsync(peer, reset: true)).GetProperty("p99Ms").GetDouble());
        }

        return keptUp && arrived.All(a => a) && p99 <= MaxP99 ? new Step(rate, p99) : null;

        async Task<bool> ArriveAsync(JsonLinesPeer peer)
        {
            while (await CountAsync(peer) < expected)
            {
                if (clock.Elapsed > Drain)
                {
                    return false;
                }

                await Task.Delay(50, cancellationToken);
            }

            return true;
        }

        async Task QuietAsync()
        {
            for (long before = -1, now = 0; before != now && clock.Elapsed < Patience;)
            {
                before = now;
                await Task.Delay(200, cancellationToken);
                now = (await Task.WhenAll(receivers.Select(CountAsync))).Sum();
            }
        }
    }

    private static Task<JsonElement> PublishAsync(JsonLinesPeer peer, int count, double rate) =>
        peer.CallAsync("publish", new { topic = Topic, size = Size, count, rate }, Patience);

    private static Task<JsonElement> ReceivedAsync(JsonLinesPeer peer, bool reset) => peer.CallAsync("received", new { topic = Topic, reset }, Patience);

    private static async Task<long> CountAsync(JsonLinesPeer peer) => (await ReceivedAsync(peer, reset: false)).GetProperty("count").GetInt64();

    private static async Task UntilReceivedAsync(JsonLinesPeer peer, int count, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (await CountAsync(peer) < count)
        {
            if (clock.Elapsed > Patience)
            {
                throw new TimeoutException($"Of {count} messages at a low rate not all arrived.");
            }

            await Task.Delay(20, cancellationToken);
        }
    }
}
