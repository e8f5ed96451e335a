using Hyperspace.Benchmarks.Simulation.Attacks;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Simulation;

/// <summary>
/// What attackers can do to a few hundred peers, after arXiv:2007.02754, libp2p's gossipsub-hardening and go-libp2p-pubsub's
/// spam tests. The honest peers have the parameters that ours have in production, unless a test says otherwise.
/// </summary>
public class AttackTests(ITestOutputHelper output)
{
    /// <summary>Only the meshes carry messages: what they alone are worth under attack, without what mends them.</summary>
    private static readonly GossipSubParameters MeshOnly = new() { FloodPublish = false, Dlazy = 0, GossipFactor = 0 };

    public static TheoryData<string> Names => [.. AttackCatalogue.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Honest_peers_get_99_percent_of_each_others_messages_under(string attack)
    {
        var report = Run(attack);
        Assert.True(report.Attackers > 0);
        Assert.True(report.Delivery >= 0.99, report.ToRow());
        Assert.True(report.VictimDelivery is null or >= 0.99, report.ToRow());
    }

    [Theory]
    [InlineData("colocation")]
    [InlineData("ihave-spam")]
    [InlineData("graft-spam")]
    [InlineData("idontwant-spam")]
    [InlineData("invalid-messages")]
    [InlineData("broken-promises")]
    public void Scores_throw_out_of_the_meshes_who_is_caught_at(string attack)
    {
        var scored = Run(attack);
        var unscored = Run(attack, Unscored.Parameters);
        Assert.True(scored.AttackerScore < 0, $"{scored.AttackerScore}");
        Assert.Equal(0, unscored.AttackerScore);
        Assert.InRange(scored.AttackersInMeshes!.Value, 0, 0.02);
        Assert.True(unscored.AttackersInMeshes > 0.05, $"{unscored.AttackersInMeshes}");
    }

    [Theory]
    [InlineData("colocation")]
    [InlineData("broken-promises")]
    public void Where_only_the_meshes_carry_messages_delivery_stands_with_the_scores_and_falls_without_under(string attack)
    {
        Assert.True(Run(attack, MeshOnly).Delivery >= 0.99);
        Assert.True(Run(attack, MeshOnly with { Score = Unscored.Parameters.Score }).Delivery < 0.95);
    }

    [Theory]
    [InlineData("sybil")]
    [InlineData("cold-boot")]
    public void Without_flood_publishing_and_lazy_pull_the_network_falls_apart_under(string attack) =>
        Assert.True(Run(attack, MeshOnly).Delivery < 0.9);

    [Fact]
    public void Without_its_outbound_places_and_lazy_pull_a_peer_is_eclipsed() =>
        Assert.True(Run("eclipse-peer", MeshOnly with { Dout = 0 }).VictimDelivery < 0.9);

    [Fact]
    public void Without_flood_publishing_and_outbound_places_and_lazy_pull_a_publisher_is_silenced() =>
        Assert.True(Run("eclipse-publisher", MeshOnly with { Dout = 0 }).VictimDelivery < 0.9);

    [Fact]
    public void Who_asks_again_and_again_gets_a_message_three_times_and_not_more()
    {
        var network = new GossipSimulation(1);
        var peer = network.Join(new RouterNode(network, 0));
        var asking = network.Join(new AskingNode(network, 1));
        network.Connect(asking, peer);
        network.Run(2000);
        asking.Wanted = network.Publish(peer, [1, 2, 3]).Message.Id;
        network.Run(20_000);
        Assert.Equal(20, asking.Asked, 2.0);
        Assert.Equal(3, asking.Got);
    }

    private GossipReport Run(string attack, GossipSubParameters? parameters = null)
    {
        var report = Scenario(AttackCatalogue.Find(attack), parameters).Run();
        output.WriteLine(GossipReport.ToMarkdown([report]));
        return report;
    }

    private static GossipScenario Scenario(Attack? attack, GossipSubParameters? parameters = null) => new()
    {
        Peers = 200,
        Messages = 40,
        Interval = TimeSpan.FromMilliseconds(250),
        WarmUp = TimeSpan.FromSeconds(15),
        Attack = attack,
        Parameters = parameters ?? new GossipSubParameters(),
    };

    /// <summary>Subscribes to nothing, and asks for one message at every heartbeat.</summary>
    private sealed class AskingNode(GossipSimulation network, int number) : GossipNode(network, number)
    {
        public ReadOnlyMemory<byte>? Wanted { get; set; }

        public int Asked { get; private set; }

        public int Got { get; private set; }

        public override void Joined()
        {
        }

        public override void Connected(GossipLink link)
        {
        }

        public override void Disconnected(GossipLink link)
        {
        }

        public override void Receive(GossipLink link, GossipMessage message, int hops) => Got++;

        public override void Receive(GossipLink link, GossipRpc control)
        {
        }

        public override void Heartbeat()
        {
            if (Wanted is { } id)
            {
                Asked++;
                Network.SendForged(this, Links.Keys, new GossipRpc { IWant = [id] });
            }
        }
    }
}
