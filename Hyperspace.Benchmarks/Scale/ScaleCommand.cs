using System.CommandLine;

namespace Hyperspace.Benchmarks.Scale;

/// <summary><c>scale</c>: what one peer holds.</summary>
internal static class ScaleCommand
{
    public static Command Create(Option<bool> json)
    {
        var records = new Option<int>("--records") { Description = "Signed records that are taken in.", DefaultValueFactory = _ => 1_000_000 };
        var taskTypes = new Option<int>("--task-types") { Description = "Task types that they are of; at most 1,024.", DefaultValueFactory = _ => 1_000 };
        var capabilities = new Option<int>("--capabilities") { Description = "Capabilities of other peers, beside the records.", DefaultValueFactory = _ => 10_000 };
        var command = new Command("scale", "One peer takes in many signed records and capabilities while it is asked: speed, memory, size on disk; then restarts and answers; each figure with its bar.")
        {
            records, taskTypes, capabilities,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var scenario = new ScaleScenario(parsed.GetValue(records), parsed.GetValue(taskTypes), parsed.GetValue(capabilities), parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine);
            var report = await scenario.RunAsync(cancellationToken);
            Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
            return report.Figures.All(figure => figure.Met != false) ? 0 : 1;
        });
        return command;
    }
}
