using System.Globalization;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>Ten processes that all know each other: records are put by one and got by another, each query run to its end.</summary>
internal static class DhtScenario
{
    private const int Nodes = 10;
    private const int Warmup = 10;
    private const int Records = 40;

    public static async Task<IReadOnlyList<Comparison>> RunAsync(Contestant ours, Contestant theirs, CancellationToken cancellationToken)
    {
        var (us, js) = (await MeasureAsync(ours, cancellationToken), await MeasureAsync(theirs, cancellationToken));
        return
        [
            new Comparison("DHT put, ten processes, p50", "ms", us.Put, js.Put),
            new Comparison("DHT get, ten processes, p50", "ms", us.Get, js.Get, 0.3),
        ];
    }

    private static async Task<(double Put, double Get)> MeasureAsync(Contestant contestant, CancellationToken cancellationToken)
    {
        await using var group = await contestant.StartAsync(Nodes);
        await group.DialAllAsync();
        await group.UntilAsync("stats", new { }, r => r.GetProperty("dhtPeers").GetInt32() == Nodes - 1, cancellationToken);
        List<double> puts = [], gets = [];
        for (var i = 0; i < Warmup + Records; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var key = string.Create(CultureInfo.InvariantCulture, $"/hyperspace/bench/{i}");
            puts.Add((await group[0].CallAsync("dht.put", new { key, value = $"value {i}" })).GetProperty("ms").GetDouble());
            var got = await group[Nodes / 2].CallAsync("dht.get", new { key });
            if (got.GetProperty("value").GetString() != $"value {i}")
            {
                throw new InvalidOperationException($"{contestant.Name} lost a record of its DHT.");
            }

            gets.Add(got.GetProperty("ms").GetDouble());
        }

        return (Comparison.Median(puts.Skip(Warmup)), Comparison.Median(gets.Skip(Warmup)));
    }
}
