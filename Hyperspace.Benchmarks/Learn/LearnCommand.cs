using System.CommandLine;

namespace Hyperspace.Benchmarks.Learn;

/// <summary><c>learn</c>: does the network get better with every run, and do liars spoil it?</summary>
internal static class LearnCommand
{
    public static Command Create(Option<bool> json)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = "Folder with plugin_des.json and queries.csv of ToolE (github.com/HowieHwong/MetaTool).", Required = true };
        var seeds = new Option<int>("--seeds") { Description = "How many times; each with another split and other choices.", DefaultValueFactory = _ => 5 };
        var peers = new Option<int>("--peers") { Description = "Peers that learn together.", DefaultValueFactory = _ => 16 };
        var runs = new Option<int>("--runs") { Description = "Runs of each peer.", DefaultValueFactory = _ => 240 };
        var recorded = new Option<int>("--recorded") { Description = "Of these, how many are recorded as trajectories; the rest is told to the matrix alone.", DefaultValueFactory = _ => 64 };
        var judged = new Option<int>("--judged") { Description = $"Of the {ToolQueries.HeldOut} held-out queries, how many each peer is judged by.", DefaultValueFactory = _ => 1000 };
        var simulated = new Option<int>("--simulated") { Description = "Peers of the simulated network.", DefaultValueFactory = _ => 1000 };
        var only = new Option<string[]>("--only") { Description = $"Parts to run: {string.Join(", ", LearnScenario.PartNames)}; may be repeated (default all).", AllowMultipleArgumentsPerToken = true }.AcceptOnlyFromAmong([.. LearnScenario.PartNames]);
        var attacks = new Option<string[]>("--attack") { Description = $"Of the part poison, the attacks to run: {string.Join(", ", PoisonPart.AttackNames)}; may be repeated (default all).", AllowMultipleArgumentsPerToken = true }.AcceptOnlyFromAmong([.. PoisonPart.AttackNames]);
        var plot = new Option<FileInfo?>("--plot") { Description = "Writes the curves to this file, as SVG." };
        var command = new Command("learn", "Held-out accuracy of agents whose peers share experience, beside isolated ones and one that has all; with liars; and of many in the simulator.")
        {
            data, seeds, peers, runs, recorded, judged, simulated, only, attacks, plot,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var settings = new LearnSettings(
                ToolQueries.Load(parsed.GetValue(data)!),
                parsed.GetValue(seeds),
                parsed.GetValue(peers),
                parsed.GetValue(runs),
                parsed.GetValue(recorded),
                Math.Min(parsed.GetValue(judged), ToolQueries.HeldOut),
                parsed.GetValue(simulated),
                parsed.GetValue(attacks) ?? []);
            var report = await LearnScenario.RunAsync(settings, parsed.GetValue(only) ?? [], parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine, cancellationToken);
            if (parsed.GetValue(plot) is { } file && report.Plot() is { } svg)
            {
                await File.WriteAllTextAsync(file.FullName, svg, cancellationToken);
            }

            Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
            return report.IsMet ? 0 : 1;
        });
        return command;
    }
}
