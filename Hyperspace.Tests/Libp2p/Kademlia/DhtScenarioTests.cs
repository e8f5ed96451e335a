using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Dht;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class DhtScenarioTests
{
    [Fact]
    public void Without_churn_every_value_is_found_within_the_bound_of_hops_and_the_same_seed_shows_the_same()
    {
        var scenario = new DhtScenario { Peers = 100, Lookups = 40 };
        var report = scenario.Run();
        Assert.Equal(1, report.Success);
        Assert.InRange(report.Hops, 0.1, report.HopsBound);
        Assert.InRange(report.Messages, 20, 200);
        Assert.InRange(report.Holders, 19, 20);
        var again = scenario.Run();
        Assert.Equal(report with { WallSeconds = 0, MemoryMiB = 0 }, again with { WallSeconds = 0, MemoryMiB = 0 });
    }

    [Fact]
    public void With_loss_and_churn_nearly_every_value_is_found()
    {
        var report = new DhtScenario { Peers = 100, Lookups = 60, Network = new() { Loss = 0.05 }, Churn = new ChurnModel(0.1) }.Run();
        Assert.InRange(report.Success, 0.95, 1);
        Assert.InRange(report.Hops, 0.1, report.HopsBound);
    }
}
