using System.CommandLine;
using Hyperspace.Host.CommandLine;
using Spectre.Console;

namespace Hyperspace.Host.Demo;

/// <summary><c>hyperspace demo</c>: three peers on this machine run the whole loop.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var documents = new Option<DirectoryInfo>("--docs")
        {
            Description = "Folder of documents that B offers search over (default: this project's own docs).",
            DefaultValueFactory = _ => new DirectoryInfo(Path.Combine(AppContext.BaseDirectory, "docs")),
        };
        var keep = new Option<bool>("--keep") { Description = "Keep the peers' data directories and logs." };
        var command = new Command("demo", "Run the whole loop on three peers: discover, run, settle, learn, gossip.") { documents, keep };
        return command.Does(async (parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(CommonOptions.Json);
            var folder = parsed.GetValue(documents)!;
            if (!folder.Exists)
            {
                throw new CommandException($"There is no folder {folder.FullName}; name one with --docs.");
            }

            var directory = Directory.CreateTempSubdirectory("hyperspace-demo-");
            try
            {
                var scenario = new DemoScenario(directory.FullName, folder.FullName, json ? _ => { } : Tell);
                var report = await scenario.RunAsync(cancellationToken);
                if (json)
                {
                    Console.Out.WriteLine(report.ToJson().ToJsonString(JsonText.Plain));
                }
                else
                {
                    report.Print();
                }

                return 0;
            }
            finally
            {
                if (parsed.GetValue(keep))
                {
                    Console.Error.WriteLine($"Data and logs: {directory.FullName}");
                }
                else
                {
                    directory.Delete(recursive: true);
                }
            }
        });
    }

    private static void Tell(DemoStep step) =>
        AnsiConsole.MarkupLineInterpolated($"[green]✔[/] [bold]{step.Phase,-12}[/] {step.Text} [grey]({step.Milliseconds:0} ms)[/]");
}
