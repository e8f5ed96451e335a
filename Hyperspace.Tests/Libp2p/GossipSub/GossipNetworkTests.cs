using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

public class GossipNetworkTests
{
    private const int Nodes = 50;
    private const string Topic = "hyperspace/tasks/demo";

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Fifty_peers_all_get_every_message_once(int seed, bool floodPublish)
    {
        var parameters = new GossipSubParameters { FloodPublish = floodPublish };
        var network = Joined(seed, parameters);
        for (var i = 0; i < Nodes; i++)
        {
            Assert.InRange(network.Routers[i].MeshOf(Topic).Count, parameters.Dlo, parameters.Dhi);
        }

        PublishHundred(network);
        AssertAllReceived(network, 100);
    }

    [Fact]
    public void Meshes_are_mutual()
    {
        var network = Joined(3);
        for (var a = 0; a < Nodes; a++)
        {
            for (var b = 0; b < Nodes; b++)
            {
                Assert.Equal(
                    network.Routers[a].MeshOf(Topic).Contains(GossipKeys.Peer(b)),
                    network.Routers[b].MeshOf(Topic).Contains(GossipKeys.Peer(a)));
            }
        }
    }

    [Fact]
    public void Lazy_pull_fills_in_when_the_network_loses_a_third_of_all_messages()
    {
        var network = Joined(4, new GossipSubParameters { FloodPublish = false });
        network.Loss = 0.35;
        PublishHundred(network);
        AssertAllReceived(network, 100);
        Assert.All(network.Routers, r => Assert.Equal(0, r.Rejected));
    }

    [Fact]
    public void The_mesh_heals_after_a_third_of_the_peers_vanish_and_late_comers_hear_what_follows()
    {
        var network = Joined(5);
        for (var gone = 0; gone < Nodes / 3; gone++)
        {
            for (var other = 0; other < Nodes; other++)
            {
                network.Disconnect(gone, other);
            }
        }

        network.Run(3000);
        var before = network.Received.Select(r => r.Count).ToArray();
        for (ulong i = 0; i < 20; i++)
        {
            network.Publish(Nodes - 1, Topic, i);
            network.Run(50);
        }

        network.Run(6000);
        for (var i = Nodes / 3; i < Nodes - 1; i++)
        {
            Assert.Equal(20, network.Received[i].Count - before[i]);
        }
    }

    [Fact]
    public void Pushing_costs_about_the_mesh_degree_per_peer_not_the_connections()
    {
        var network = new GossipNetwork(Nodes, 6, new GossipSubParameters { FloodPublish = false });
        network.ConnectAtRandom(20);
        for (var i = 0; i < Nodes; i++)
        {
            network.Do(i, (r, e) => r.Subscribe(Topic, network.Now, e));
        }

        network.Run(70_000);
        PublishHundred(network);
        AssertAllReceived(network, 100);
        Assert.InRange((double)network.MessagesSent / (100 * Nodes), 1, 12);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        var runs = Enumerable.Range(0, 2).Select(_ =>
        {
            var network = Joined(8);
            PublishHundred(network);
            return (network.MessagesSent, string.Join(',', network.Received.SelectMany(r => r.Select(m => m.At))));
        }).ToArray();
        Assert.Equal(runs[0], runs[1]);
    }

    private static GossipNetwork Joined(int seed, GossipSubParameters? parameters = null)
    {
        var network = new GossipNetwork(Nodes, seed, parameters);
        network.ConnectAtRandom(5);
        for (var i = 0; i < Nodes; i++)
        {
            network.Do(i, (r, e) => r.Subscribe(Topic, network.Now, e));
        }

        network.Run(10_000);
        return network;
    }

    private static void PublishHundred(GossipNetwork network)
    {
        for (var i = 0; i < 100; i++)
        {
            network.Publish(i % Nodes, Topic, (ulong)i);
            network.Run(20);
        }

        network.Run(8000);
    }

    private static void AssertAllReceived(GossipNetwork network, int messages)
    {
        for (var i = 0; i < Nodes; i++)
        {
            var got = network.Received[i].Select(m => m.Message.SequenceNumber).ToList();
            Assert.Equal(got.Count, got.Distinct().Count());
            Assert.Equal(messages - (messages / Nodes), got.Count);
        }
    }
}
