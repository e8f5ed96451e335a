using System.CommandLine;
using System.Text.Json.Nodes;

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
            // The parser cuts an action off, as the signal would, that has not come to its first wait when the signal comes.
            await Task.Yield();
            try
            {
                return await action(parsed, cancellationToken);
            }
            catch (CommandException e)
            {
                return Fail(e, parsed.GetValue(Json));
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return Fail(new CommandException("Stopped before it was done."), parsed.GetValue(Json));
            }
        });
        return command;
    }

    /// <summary>A verb that asks a running peer and prints what it says.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="call">Asks.</param>
    /// <param name="print">Prints the answer for people.</param>
    /// <param name="exitCode">Tells a good answer (0) from a bad one; all are good unless given.</param>
    public static Command Asks(this Command command, Func<ParseResult, ApiClient, CancellationToken, Task<JsonNode?>> call, Action<JsonNode?> print, Func<JsonNode?, int>? exitCode = null) =>
        command.Does(async (parsed, cancellationToken) =>
        {
            using var client = ApiClient.ForDataDirectory(parsed.GetValue(Data)!.FullName);
            var result = await call(parsed, client, cancellationToken);
            var code = exitCode?.Invoke(result) ?? 0;
            if (parsed.GetValue(Json))
            {
                Console.Out.WriteLine(result?.ToJsonString(JsonText.Plain) ?? "null");
            }
            else
            {
                print(result);
            }

            return code;
        });

    /// <summary>Tells a failure, as JSON on stdout or as a sentence on stderr, and gives its exit code.</summary>
    public static int Fail(CommandException failure, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(new JsonObject { ["error"] = new JsonObject { ["code"] = failure.Code, ["message"] = failure.Message } }.ToJsonString(JsonText.Plain));
        }
        else
        {
            Console.Error.WriteLine($"{failure.Code ?? "Error"}: {Print.OnOneLine(failure.Message)}");
        }

        return failure.ExitCode;
    }

    private static string DefaultDataDirectory() =>
        Environment.GetEnvironmentVariable("HYPERSPACE_DATA") is { Length: > 0 } configured
            ? configured
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".hyperspace");
}
