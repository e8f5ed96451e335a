using System.CommandLine;
using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Attacks;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks;

/// <summary><c>sim</c>: protocols under virtual time, in one process without sockets.</summary>
internal static class SimCommand
{
    public static Command Create(Option<bool> json) => new("sim", "Protocols under virtual time, in one process without sockets; the same seed gives the same run.")
    {
        Gossip(json),
    };

    private static Command Gossip(Option<bool> json)
    {
        var peers = new Option<int>("--peers") { Description = "Honest peers.", DefaultValueFactory = _ => 1000 };
        var messages = new Option<int>("--messages") { Description = "Messages, each published by a random peer.", DefaultValueFactory = _ => 100 };
        var interval = new Option<int>("--interval") { Description = "Milliseconds between two messages.", DefaultValueFactory = _ => 500 };
        var size = new Option<int>("--size") { Description = "Bytes of payload.", DefaultValueFactory = _ => 256 };
        var dials = new Option<int>("--dials") { Description = "Connections that each peer dials.", DefaultValueFactory = _ => 20 };
        var loss = new Option<double>("--loss") { Description = "Share of RPCs that vanish." };
        var churn = new Option<double>("--churn") { Description = "Share of the peers that leave per minute; they come back after a minute on average." };
        var partition = new Option<int>("--partition") { Description = "Cuts the network in two halves for so many seconds, in the middle of the messages." };
        var attack = new Option<string?>("--attack") { Description = "One of: " + string.Join(", ", AttackCatalogue.Names) + "." };
        attack.AcceptOnlyFromAmong([.. AttackCatalogue.Names]);
        var noScore = new Option<bool>("--no-score") { Description = "Honest peers keep no scores: what an attack does to them then." };
        var seed = new Option<int>("--seed") { Description = "Seed of everything that is random.", DefaultValueFactory = _ => 1 };

        var command = new Command("gossip", "GossipSub among many peers: delivery, latency, hops, duplicates, bytes.")
        {
            peers, messages, interval, size, dials, loss, churn, partition, attack, noScore, seed,
        };
        command.SetAction(parsed =>
        {
            var report = new GossipScenario
            {
                Peers = parsed.GetValue(peers),
                Messages = parsed.GetValue(messages),
                Interval = TimeSpan.FromMilliseconds(parsed.GetValue(interval)),
                PayloadSize = parsed.GetValue(size),
                Dials = parsed.GetValue(dials),
                Network = new NetworkModel { Loss = parsed.GetValue(loss) },
                Churn = parsed.GetValue(churn) > 0 ? new ChurnModel(parsed.GetValue(churn)) : null,
                Partition = TimeSpan.FromSeconds(parsed.GetValue(partition)),
                Attack = parsed.GetValue(attack) is { } name ? AttackCatalogue.Find(name) : null,
                Parameters = parsed.GetValue(noScore) ? Unscored.Parameters : new GossipSubParameters(),
                Seed = parsed.GetValue(seed),
            }.Run(Console.Error.WriteLine);
            Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
            return 0;
        });
        return command;
    }
}
