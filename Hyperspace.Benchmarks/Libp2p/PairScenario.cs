using System.Text.Json;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>Two processes: dials, round trips on an open stream, one stream's throughput. Rounds of ours and theirs alternate, so that noise meets both.</summary>
internal static class PairScenario
{
    private const int Rounds = 5;
    private const int Warmup = 2;
    private const int Dials = 20;
    private const int RoundTrips = 2000;
    private const int Bytes = 128 << 20;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    public static async Task<IReadOnlyList<Comparison>> RunAsync(Contestant ours, Contestant theirs, CancellationToken cancellationToken)
    {
        await using var us = await ours.StartAsync(2);
        await using var them = await theirs.StartAsync(2);
        var dial = await AlternateAsync(us, them, DialAsync, cancellationToken);
        await us.DialAllAsync();
        await them.DialAllAsync();
        var trip = await AlternateAsync(us, them, RoundTripAsync, cancellationToken);
        var up = await AlternateAsync(us, them, g => PerfAsync(g, Bytes, 0, "uploadMs"), cancellationToken);
        var down = await AlternateAsync(us, them, g => PerfAsync(g, 0, Bytes, "downloadMs"), cancellationToken);
        return
        [
            new Comparison("dial → upgraded, p50", "ms", dial.Ours, dial.Js, 0.5),
            new Comparison("32 B round trip on an open stream, p50", "ms", trip.Ours, trip.Js, 0.6),
            new Comparison("one stream, up, 128 MiB", "MiB/s", up.Ours, up.Js, 2, MoreIsBetter: true),
            new Comparison("one stream, down, 128 MiB", "MiB/s", down.Ours, down.Js, 2, MoreIsBetter: true),
        ];
    }

    /// <summary>The medians of the rounds after the warm-up.</summary>
    private static async Task<(double Ours, double Js)> AlternateAsync(PeerGroup us, PeerGroup them, Func<PeerGroup, Task<double>> measure, CancellationToken cancellationToken)
    {
        List<double> ours = [], js = [];
        for (var round = 0; round < Warmup + Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ours.Add(await measure(us));
            js.Add(await measure(them));
        }

        return (Comparison.Median(ours.Skip(Warmup)), Comparison.Median(js.Skip(Warmup)));
    }

    private static async Task<double> DialAsync(PeerGroup pair)
    {
        var milliseconds = new List<double>();
        for (var i = 0; i < Dials; i++)
        {
            var answer = await pair[0].CallAsync("dial", new { ma = $"{pair[1].Addresses[0]}" });
            milliseconds.Add(answer.GetProperty("ms").GetDouble());
            await pair[0].CallAsync("close", new { peer = $"{pair[1].PeerId}" });
        }

        return Comparison.Median(milliseconds);
    }

    private static async Task<double> RoundTripAsync(PeerGroup pair) =>
        (await AskAsync(pair, "echo", new { peer = $"{pair[1].PeerId}", bytes = 32, count = RoundTrips })).GetProperty("p50Ms").GetDouble();

    private static async Task<double> PerfAsync(PeerGroup pair, int upload, int download, string field) =>
        Bytes / MiB / (await AskAsync(pair, "perf", new { peer = $"{pair[1].PeerId}", upload, download, timeoutMs = (int)Patience.TotalMilliseconds })).GetProperty(field).GetDouble() * 1000;

    private static Task<JsonElement> AskAsync(PeerGroup pair, string command, object arguments) => pair[0].CallAsync(command, arguments, Patience);
}
