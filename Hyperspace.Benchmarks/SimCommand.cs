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
        Soak(json),
        SimDhtCommand.Create(json),
    };

    private static Command Gossip(Option<bool> json)
    {
        var peers = new Option<int[]>("--peers") { Description = "Honest peers; several numbers make several runs.", DefaultValueFactory = _ => [1000], AllowMultipleArgumentsPerToken = true };
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
        var plot = new Option<FileInfo?>("--plot") { Description = "Writes the costs over the number of peers to this file, as SVG." };

        var command = new Command("gossip", "GossipSub among many peers: delivery, latency, hops, duplicates, bytes.")
        {
            peers, messages, interval, size, dials, loss, churn, partition, attack, noScore, seed, plot,
        };
        command.SetAction(parsed =>
        {
            var reports = new List<GossipReport>();
            foreach (var count in parsed.GetValue(peers)!)
            {
                reports.Add(new GossipScenario
                {
                    Peers = count,
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
                }.Run(Console.Error.WriteLine));
            }

            if (parsed.GetValue(plot) is { } file)
            {
                File.WriteAllText(file.FullName, GossipReport.Plot(reports));
            }

            Console.Out.WriteLine(parsed.GetValue(json) ? string.Join('\n', reports.Select(static r => r.ToJson())) : GossipReport.ToMarkdown(reports));
            return 0;
        });
        return command;
    }

    private static Command Soak(Option<bool> json)
    {
        var hours = new Option<double>("--hours") { Description = "Virtual hours.", DefaultValueFactory = _ => 24 };
        var peers = new Option<int>("--peers") { Description = "Peers.", DefaultValueFactory = _ => 60 };
        var seed = new Option<int>("--seed") { Description = "Seed of everything that is random.", DefaultValueFactory = _ => 1 };
        var command = new Command("soak", "A day of gossip with churn and loss: what the routers remember, and memory.") { hours, peers, seed };
        command.SetAction(parsed =>
        {
            var samples = new GossipSoak { Hours = parsed.GetValue(hours), Peers = parsed.GetValue(peers), Seed = parsed.GetValue(seed) }.Run(Console.Error.WriteLine);
            Console.Out.WriteLine(parsed.GetValue(json)
                ? System.Text.Json.JsonSerializer.Serialize(new { samples }, System.Text.Json.JsonSerializerOptions.Web)
                : string.Join('\n', samples.Select(static s => s.ToRow()).Prepend(SoakSample.Heading)));
            return 0;
        });
        return command;
    }
}
