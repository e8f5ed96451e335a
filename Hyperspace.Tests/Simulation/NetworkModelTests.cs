using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Tests.Simulation;

public class NetworkModelTests
{
    [Fact]
    public void Latencies_between_pairs_are_log_normal_symmetric_and_repeatable()
    {
        var model = new NetworkModel { MedianLatency = 50, Spread = 0.5 };
        var latencies = new List<double>();
        for (var a = 0; a < 200; a++)
        {
            for (var b = a + 1; b < 200; b++)
            {
                var latency = model.LatencyBetween(a, b, seed: 7);
                Assert.Equal(latency, model.LatencyBetween(b, a, seed: 7));
                latencies.Add(latency);
            }
        }

        latencies.Sort();
        Assert.InRange(latencies[latencies.Count / 2], 48, 52);
        Assert.InRange(latencies[(int)(latencies.Count * 0.99)], 150, 170);
        Assert.InRange(latencies[(int)(latencies.Count * 0.01)], 14, 17);
        Assert.NotEqual(model.LatencyBetween(1, 2, seed: 7), model.LatencyBetween(1, 2, seed: 8));
    }

    [Fact]
    public void Packets_of_a_pair_stray_around_its_median_and_the_given_share_is_lost()
    {
        var model = new NetworkModel { Loss = 0.05 };
        var random = new Random(1);
        var delays = Enumerable.Range(0, 10_001).Select(_ => model.Delay(80, random)).Order().ToList();
        Assert.InRange(delays[5000], 79, 81);
        Assert.InRange(delays[100], 60, 68);
        Assert.InRange(Enumerable.Range(0, 100_000).Count(_ => model.Loses(random)), 4_700, 5_300);
    }

    [Fact]
    public void Ten_percent_churn_a_minute_of_a_thousand_peers_is_a_hundred_leaves_a_minute()
    {
        var churn = new ChurnModel(0.1);
        var random = new Random(1);
        long elapsed = 0;
        for (var i = 0; i < 10_000; i++)
        {
            elapsed += churn.NextLeave(1000, random);
        }

        Assert.InRange(elapsed / 60_000.0, 95, 105);
        Assert.InRange(Enumerable.Range(0, 10_000).Average(_ => churn.Absence(random)), 57_000, 63_000);
    }
}
