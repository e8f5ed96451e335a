using System.CommandLine;
using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Dht;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Benchmarks;

/// <summary><c>sim dht</c>: Kademlia among many peers.</summary>
internal static class SimDhtCommand
{
    public static Command Create(Option<bool> json)
    {
        var peers = new Option<int[]>("--peers") { Description = "Peers; several numbers make several runs.", DefaultValueFactory = _ => [1000], AllowMultipleArgumentsPerToken = true };
        var lookups = new Option<int>("--lookups") { Description = "Records that are put by one peer and got by another.", DefaultValueFactory = _ => 1000 };
        var loss = new Option<double>("--loss") { Description = "Share of packets that vanish." };
        var churn = new Option<double>("--churn") { Description = "Share of the peers that leave per minute; they come back after a minute on average, knowing nothing." };
        var paths = new Option<int>("--paths") { Description = "Disjoint paths of a lookup.", DefaultValueFactory = _ => new KademliaOptions().DisjointPaths };
        var seed = new Option<int>("--seed") { Description = "Seed of everything that is random.", DefaultValueFactory = _ => 1 };
        var command = new Command("dht", "Kademlia among many peers: success, hops and messages per lookup, latency.") { peers, lookups, loss, churn, paths, seed };
        command.SetAction(parsed =>
        {
            var reports = parsed.GetValue(peers)!.Select(count => new DhtScenario
            {
                Peers = count,
                Lookups = parsed.GetValue(lookups),
                Seed = parsed.GetValue(seed),
                Network = new NetworkModel { Loss = parsed.GetValue(loss) },
                Churn = parsed.GetValue(churn) > 0 ? new ChurnModel(parsed.GetValue(churn)) : null,
                Options = new KademliaOptions { DisjointPaths = parsed.GetValue(paths) },
            }.Run(Console.Error.WriteLine)).ToList();
            Console.Out.WriteLine(parsed.GetValue(json) ? string.Join('\n', reports.Select(static r => r.ToJson())) : DhtReport.ToMarkdown(reports));
            return 0;
        });
        return command;
    }
}
