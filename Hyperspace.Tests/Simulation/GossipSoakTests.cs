using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Simulation;

public class GossipSoakTests(ITestOutputHelper output)
{
    /// <summary>A day is <c>sim soak</c>; the longest memory of a router, debts of peers that left, lasts one hour.</summary>
    [Fact]
    public void What_routers_remember_after_three_hours_of_traffic_and_churn_is_what_they_remembered_after_one()
    {
        var samples = new GossipSoak { Peers = 25, Hours = 3, Dials = 5, Interval = TimeSpan.FromSeconds(10), Churn = new ChurnModel(0.1), LookAt = [1.5] }.Run();
        output.WriteLine(string.Join('\n', samples.Select(static s => s.ToRow()).Prepend(SoakSample.Heading)));
        Assert.All(samples, sample =>
        {
            Assert.True(sample.Delivery >= 0.99, sample.ToRow());
            Assert.InRange(sample.Largest.Peers, 1, 25);
            Assert.InRange(sample.Largest.Topics, 1, 1);

            // A key is remembered for 180 s at most, and there is a message every 10 s.
            Assert.InRange(sample.Largest.Seen, 1, 19);
            Assert.InRange(sample.Largest.Cached, 0, 2);
            Assert.InRange(sample.Largest.Promises, 0, 2);
            Assert.InRange(sample.Largest.Backoffs, 0, 25);
            Assert.InRange(sample.Largest.Scores, 1, 25);
        });
    }
}
