using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace playbook</c>: what is known about a task type, in the form of ACE's playbooks (arXiv:2510.04618).</summary>
internal static class PlaybookCommand
{
    private static readonly string[] Order = ["tools", "providers", "parameters", "pitfalls", "strategies", "insights"];

    public static Command Create()
    {
        var taskType = new Argument<string>("TASKTYPE") { Description = "As docs-question." };
        return new Command("playbook", "Show what is known about a task type.") { taskType }.Asks(
            (parsed, client, ct) => client.CallAsync("learning.playbook", new JsonObject { ["taskType"] = parsed.GetValue(taskType) }, ct),
            result => Console.Out.WriteLine(Text(result!["bullets"]!.AsArray())));
    }

    /// <summary>What is told where there is nothing yet.</summary>
    internal const string Nothing = "Nothing yet: record runs of this task type, or follow it.";

    /// <summary><c>[id] helpful=N harmful=N :: text</c> under <c>## SECTION</c>; pure. A model can read it as well as a person.</summary>
    internal static string Text(JsonArray bullets)
    {
        var sections = bullets.GroupBy(bullet => (string)bullet!["section"]!, StringComparer.Ordinal)
            .OrderBy(section => Array.IndexOf(Order, section.Key) is >= 0 and var at ? at : Order.Length).ThenBy(section => section.Key, StringComparer.Ordinal)
            .Select(section => string.Join('\n', section
                .Select(bullet => $"[{bullet!["id"]}] helpful={bullet["helpful"]} harmful={bullet["harmful"]} :: {Print.OnOneLine((string)bullet["text"]!)}")
                .Prepend("## " + section.Key.ToUpperInvariant())));
        return bullets.Count == 0 ? Nothing : string.Join("\n\n", sections);
    }
}
