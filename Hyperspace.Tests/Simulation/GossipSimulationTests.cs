using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Simulation;

public class GossipSimulationTests
{
    private const int Peers = 50;

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Fifty_peers_all_get_every_message(int seed, bool floodPublish)
    {
        var parameters = new GossipSubParameters { FloodPublish = floodPublish };
        var network = Joined(seed, parameters);
        Assert.All(network.Honest, n => Assert.InRange(n.Router.MeshOf(GossipSimulation.Topic).Count, parameters.Dlo, parameters.Dhi));
        AssertAllArrived(network, Publish(network, 100));
    }

    [Fact]
    public void Meshes_are_mutual()
    {
        var network = Joined(3);
        foreach (var a in network.Honest)
        {
            foreach (var b in a.Router.MeshOf(GossipSimulation.Topic))
            {
                Assert.Contains(a.Id, network.Honest.Single(n => n.Id == b).Router.MeshOf(GossipSimulation.Topic));
            }
        }
    }

    [Fact]
    public void Lazy_pull_fills_in_when_the_network_loses_a_third_of_all_rpcs()
    {
        var network = Joined(4, new GossipSubParameters { FloodPublish = false });
        network.Model = network.Model with { Loss = 0.35 };
        var tracks = Publish(network, 100);
        Assert.InRange(tracks.Sum(t => network.Honest.Count(n => t.LatencyTo(n.Number) is not null)), 0.999 * 100 * Peers, 100 * Peers);
        Assert.All(network.Honest, n => Assert.Equal(0, n.Router.Rejected));
    }

    [Fact]
    public void The_mesh_heals_after_a_third_of_the_peers_vanish()
    {
        var network = Joined(5);
        foreach (var node in network.Nodes.Take(Peers / 3).ToList())
        {
            network.Leave(node);
        }

        network.Run(3000);
        AssertAllArrived(network, Publish(network, 20));
        Assert.Equal(Peers - (Peers / 3), network.Honest.Count());
    }

    [Fact]
    public void A_peer_that_comes_back_hears_what_follows_and_nothing_that_was_on_its_way_to_it_before()
    {
        var network = Joined(6);
        var away = network.Nodes[7];
        network.Publish((RouterNode)network.Nodes[0], [1]);
        network.Leave(away);
        network.Run(30_000);
        Assert.All(network.Honest, n => Assert.DoesNotContain(away.Id, n.Links.Keys));

        var back = network.Join(new RouterNode(network, away.Number), wantsDialled: 5);
        network.Run(5000);
        Assert.Equal(0, back.Router.Delivered);
        Assert.True(back.Links.Count >= 5);
        AssertAllArrived(network, Publish(network, 10, from: 0));
        Assert.Equal(10, back.Router.Delivered);
    }

    [Fact]
    public void Two_halves_that_were_cut_apart_hear_only_themselves_and_each_other_again_once_it_heals()
    {
        var network = Joined(7, dials: 10);
        network.Partition(static n => n.Number % 2);
        network.Run(40_000);
        var during = Publish(network, 10, from: 0);
        Assert.All(during, t => Assert.All(network.Honest, n => Assert.Equal(n.Number % 2 == 0, t.LatencyTo(n.Number) is not null)));

        network.Heal();
        network.Run(15_000);
        AssertAllArrived(network, Publish(network, 10, from: 0));
    }

    [Fact]
    public void Pushing_costs_about_the_mesh_degree_per_peer_not_the_connections()
    {
        var network = Joined(8, new GossipSubParameters { FloodPublish = false }, dials: 20);
        network.Run(70_000);
        var before = network.Traffic;
        AssertAllArrived(network, Publish(network, 100));
        Assert.InRange((double)(network.Traffic - before).Messages / (100 * Peers), 1, 12);
    }

    [Fact]
    public void Hops_and_latency_are_those_of_the_first_copy()
    {
        var network = new GossipSimulation(1, new NetworkModel { MedianLatency = 40, Spread = 0, Jitter = 0 });
        var chain = Enumerable.Range(0, 4).Select(i => network.Join(new RouterNode(network, i))).ToList();
        for (var i = 1; i < chain.Count; i++)
        {
            network.Connect(chain[i - 1], chain[i]);
        }

        network.Run(3000);
        var track = network.Publish(chain[0], [1, 2, 3]);
        network.Run(1000);
        for (var i = 0; i < chain.Count; i++)
        {
            Assert.Equal(i, track.HopsTo(i));
            Assert.Equal(40 * i, track.LatencyTo(i));
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_seed_another()
    {
        static GossipReport Run(int seed) => new GossipScenario
        {
            Peers = 60,
            Messages = 20,
            Seed = seed,
            Network = new NetworkModel { Loss = 0.05 },
            Churn = new ChurnModel(0.5),
        }.Run() with
        { WallSeconds = 0, MemoryMiB = 0 };

        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1) with { Seed = 2 }, Run(2));
    }

    [Fact]
    public void Loss_and_churn_as_asked_for_leave_99_percent_delivered_and_without_them_all_is()
    {
        var quiet = new GossipScenario { Peers = 200, Messages = 40 }.Run();
        Assert.True(quiet.Delivery >= 0.999, quiet.ToRow());
        Assert.InRange(quiet.Hops, 1, Math.Log(200, 6) + 2);
        Assert.Equal(40 * 199, quiet.Expected);

        var rough = new GossipScenario { Peers = 200, Messages = 40, Network = new NetworkModel { Loss = 0.05 }, Churn = new ChurnModel(0.1) }.Run();
        Assert.True(rough.Delivery >= 0.99, rough.ToRow());
        Assert.True(rough.Expected < quiet.Expected, "Nobody left.");
    }

    private static GossipSimulation Joined(int seed, GossipSubParameters? parameters = null, int dials = 5)
    {
        var network = new GossipSimulation(seed, parameters: parameters);
        var nodes = Enumerable.Range(0, Peers).Select(i => (GossipNode)network.Join(new RouterNode(network, i), dials)).ToList();
        network.ConnectAtRandom(nodes, nodes);
        network.Run(10_000);
        return network;
    }

    private static List<MessageTrack> Publish(GossipSimulation network, int messages, int? from = null)
    {
        var authors = network.Honest.ToList();
        var tracks = new List<MessageTrack>();
        for (var i = 0; i < messages; i++)
        {
            tracks.Add(network.Publish(from is { } one ? (RouterNode)network.Nodes[one] : authors[i % authors.Count], BitConverter.GetBytes(i)));
            network.Run(20);
        }

        network.Run(8000);
        return tracks;
    }

    private static void AssertAllArrived(GossipSimulation network, List<MessageTrack> tracks) =>
        Assert.All(tracks, t => Assert.All(network.Honest, n => Assert.NotNull(t.LatencyTo(n.Number))));
}
