using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Hyperspace.Host.CommandLine;

/// <summary>Options that every verb has, and how a verb ends: 0 done, 1 failed, 2 wrong usage.</summary>
internal static class CommonOptions
{
    public static Option<DirectoryInfo> Data { get; } = new("--data")
    {
        Description = "The peer's data directory (environment: HYPERSPACE_DATA; default ~/.hyperspace).",
        DefaultValueFactory = _ => new DirectoryInfo(DefaultDataDirectory()),
        Recursive = true,
    };

    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Print JSON instead of text for people.",
        Recursive = true,
    };

    /// <summary>Sets what a verb does, and turns a <see cref="CommandException"/> into one sentence on stderr and exit code 1.</summary>
    public static Command Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                return await action(parsed, cancellationToken);
            }
            catch (CommandException e)
            {
                Fail(e.Message, e.Code, parsed.GetValue(Json));
                return 1;
            }
        });
        return command;
    }

    /// <summary>A verb that asks a running peer and prints what it says.</summary>
    public static Command Asks(this Command command, Func<ParseResult, ApiClient, CancellationToken, Task<JsonNode?>> call, Action<JsonNode?> print) =>
        command.Does(async (parsed, cancellationToken) =>
        {
            using var client = ApiClient.ForDataDirectory(parsed.GetValue(Data)!.FullName);
            var result = await call(parsed, client, cancellationToken);
            if (parsed.GetValue(Json))
            {
                Console.Out.WriteLine(result?.ToJsonString(JsonText.Plain) ?? "null");
            }
            else
            {
                print(result);
            }

            return 0;
        });

    private static void Fail(string message, string? code, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } }.ToJsonString(JsonText.Plain));
        }
        else
        {
            var errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            errors.MarkupLineInterpolated($"[red]{(code is null ? "Error" : code)}[/]: {message}");
        }
    }

    private static string DefaultDataDirectory() =>
        Environment.GetEnvironmentVariable("HYPERSPACE_DATA") is { Length: > 0 } configured
            ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".hyperspace");
}
