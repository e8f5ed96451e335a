using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Hyperspace.Tests.Host;

namespace Hyperspace.Tests.CommandLine;

/// <summary>The verbs of learning, the matrix and reputation, each as a shell runs it.</summary>
public sealed class LearningVerbTests(PeerProcessFixture peer) : IClassFixture<PeerProcessFixture>
{
    private const string TaskType = "greeting";
    private const string Stranger = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";

    // What it tells, the verb reputation tells with its reasons.
    private static readonly string[] WithoutVerb = ["reputation.get"];

    [Fact]
    public async Task A_run_goes_from_record_to_context_and_curriculum()
    {
        Assert.Equal(TaskType, (await JsonAsync("follow", TaskType))["taskType"]!.GetValue<string>());
        var dry = await TextAsync("record", Run("mail jane@example.org", 1), "--dry-run");
        Assert.Contains("[redacted:email]", dry, StringComparison.Ordinal);
        Assert.Contains("nothing was recorded", dry, StringComparison.Ordinal);
        Assert.Empty((await JsonAsync("trajectories", TaskType)).AsArray());

        var failed = (await JsonAsync("record", Run("say hello", 0)))["trajectoryId"]!.GetValue<string>();
        var recorded = (await JsonAsync("record", Run("say hello", 1)))["trajectoryId"]!.GetValue<string>();
        Assert.Equal(recorded, (await JsonAsync("trajectories", TaskType, "--input", "hello", "--limit", "1"))[0]!["trajectoryId"]!.GetValue<string>());
        Assert.Contains("echo", await TextAsync("trajectory", TaskType, failed), StringComparison.Ordinal);
        Assert.Contains("say hello", await TextAsync("curriculum", TaskType), StringComparison.Ordinal);
        Assert.Equal(0.5, (await JsonAsync("curriculum", TaskType, "--limit", "1"))[0]!["successRate"]!.GetValue<double>());

        Assert.Contains(":: Greet first.", await TextAsync("reflect", TaskType, "success", "Greet first.", "--run", recorded), StringComparison.Ordinal);
        Assert.Contains(":: Greet first.", await TextAsync("playbook", TaskType), StringComparison.Ordinal);
        var context = await TextAsync("context", TaskType, "say hello", "--limit", "8");
        foreach (var told in new[] { "- Greet first.", "## say hello", "peer/echo {\"message\":\"hi\"} → hi", "contextId ctx_" })
        {
            Assert.Contains(told, context, StringComparison.Ordinal);
        }

        Assert.InRange((await JsonAsync("context", TaskType, "--tokens", "5"))["tokens"]!.GetValue<int>(), 0, 5);
    }

    [Fact]
    public async Task A_skill_is_described_found_and_withdrawn_and_its_owner_does_not_vote()
    {
        var id = (await JsonAsync("matrix", "register", "skill", "helm-deploy", "Deploys charts to kubernetes.", "--tag", "kubernetes"))["id"]!.GetValue<string>();
        Assert.Contains(id, await TextAsync("matrix", "search", "deploy a chart", "--type", "skill"), StringComparison.Ordinal);
        var own = await Cli.RunAsync(null, "matrix", "feedback", id, "deploy a chart", "up", "--data", peer.DataDirectory);
        Assert.Equal((1, true), (own.ExitCode, own.Errors.StartsWith("OPERATION_DENIED", StringComparison.Ordinal)));
        Assert.Equal(1, (await JsonAsync("matrix", "feedback", $"{Stranger}/helm-deploy", "deploy a chart", "up"))["outcomes"]!.GetValue<int>());
        Assert.Equal(id, (await JsonAsync("matrix", "unregister", "skill", "helm-deploy"))["id"]!.GetValue<string>());
        Assert.DoesNotContain((await JsonAsync("matrix", "search", "deploy a chart")).AsArray(), hit => hit!["id"]!.GetValue<string>() == id);
    }

    [Fact]
    public async Task A_peer_is_rated_and_told_of()
    {
        Assert.Equal(0, (await JsonAsync("rate", "-0.5", "--peer", Stranger))["gossiped"]!.GetValue<int>());
        var told = await TextAsync("reputation", Stranger);
        Assert.Contains("ratings", told, StringComparison.Ordinal);
        var refused = await Cli.RunAsync(null, "rate", "1", "--request", "req_nobody", "--data", peer.DataDirectory);
        Assert.Equal((1, true), (refused.ExitCode, refused.Errors.StartsWith("INVALID_PARAMS: No receipt", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Every_method_of_learning_has_a_verb_or_a_reason_and_every_verb_a_line_in_the_docs()
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));
        var verbs = string.Concat(Directory.EnumerateFiles(Path.Combine(root, "Hyperspace.Host", "CommandLine"), "*.cs").Select(File.ReadAllText));
        string[] rooms = ["selfImproving.", "learning.", "matrix.", "reputation."];
        var without = peer.Methods.Select(method => method.Name)
            .Where(name => Array.Exists(rooms, room => name.StartsWith(room, StringComparison.Ordinal)) && !verbs.Contains($"\"{name}\"", StringComparison.Ordinal));
        Assert.Equal(WithoutVerb, without);

        var page = await File.ReadAllTextAsync(Path.Combine(root, "docs", "command-line.md"));
        var listed = new List<string>();
        var groups = new Queue<string>([""]);
        while (groups.TryDequeue(out var group))
        {
            var below = await VerbsAsync(group);
            listed.AddRange(below.Count == 0 ? [group] : []);
            below.ForEach(verb => groups.Enqueue($"{group} {verb}".Trim()));
        }

        Assert.Contains("curriculum", listed);
        Assert.Contains("ledger close-round", listed);
        Assert.All(listed, verb => Assert.Matches($@"`{verb}[ `]", page));
    }

    /// <summary>The verbs right below one, by its help; of the program's own without what only the build runs.</summary>
    private static async Task<List<string>> VerbsAsync(string verb)
    {
        var help = await Cli.RunAsync(null, [.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.True(help.ExitCode == 0, help.Output + help.Errors);
        var from = help.Output.IndexOf("Commands:", StringComparison.Ordinal);
        return from < 0 ? [] : [.. help.Output[from..].Split('\n').Skip(1)
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line.Length > 2 && line[2] != ' ').Select(line => line.Trim().Split(' ')[0]).Where(name => name != "api-docs")];
    }

    private static string Run(string input, int reward) => new JsonObject
    {
        ["taskType"] = TaskType,
        ["input"] = input,
        ["steps"] = new JsonArray(new JsonObject { ["name"] = "peer/echo", ["input"] = new JsonObject { ["message"] = "hi" }, ["output"] = "hi", ["ok"] = reward > 0 }),
        ["output"] = "hi",
        ["reward"] = reward,
    }.ToJsonString();

    private static string ThisFile([CallerFilePath] string file = "") => file;

    private async Task<string> TextAsync(params string[] arguments)
    {
        var result = await Cli.RunAsync(null, [.. arguments, "--data", peer.DataDirectory]);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        return result.Output;
    }

    private async Task<JsonNode> JsonAsync(params string[] arguments) => JsonNode.Parse(await TextAsync([.. arguments, "--json"]))!;
}
