using System.Text.Json.Nodes;
using Hyperspace.Tests.Host;

namespace Hyperspace.Tests.CommandLine;

/// <summary>The verbs that ask a running peer.</summary>
public sealed class ClientVerbTests(PeerProcessFixture peer) : IClassFixture<PeerProcessFixture>
{
    [Fact]
    public async Task A_tool_that_fails_ends_with_1_and_its_error_is_told()
    {
        var folder = Directory.CreateTempSubdirectory("hyperspace-docs-");
        var registered = await peer.CallAsync("tool.register", new JsonObject
        {
            ["name"] = "read",
            ["description"] = "Reads a document.",
            ["capabilities"] = new JsonArray("docs"),
            ["inputSchema"] = JsonNode.Parse("""{"type":"object"}"""),
            ["provider"] = new JsonObject { ["type"] = "builtin", ["tool"] = "docs-read", ["folder"] = folder.FullName },
        });
        var tool = registered["result"]!["toolId"]!.GetValue<string>();

        var told = await Cli.RunAsync(null, "invoke", tool, """{"file":"missing.md"}""", "--data", peer.DataDirectory);
        Assert.Equal(1, told.ExitCode);
        Assert.Contains("missing.md", told.Errors, StringComparison.Ordinal);
        var json = await Cli.RunAsync(null, "invoke", tool, """{"file":"missing.md"}""", "--data", peer.DataDirectory, "--json");
        Assert.Equal(1, json.ExitCode);
        var result = JsonNode.Parse(json.Output)!;
        Assert.False(result["ok"]!.GetValue<bool>());
        Assert.NotEmpty(result["error"]!.GetValue<string>());
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Long_ids_stay_on_one_line()
    {
        var status = await Cli.RunAsync(null, "status", "--data", peer.DataDirectory);
        Assert.Equal(0, status.ExitCode);
        Assert.Contains($"{peer.Address}", status.Output, StringComparison.Ordinal);
        await peer.CallAsync("tool.register", new JsonObject
        {
            ["name"] = new string('n', 100),
            ["description"] = "Reads a page.",
            ["capabilities"] = new JsonArray("web"),
            ["inputSchema"] = JsonNode.Parse("""{"type":"object"}"""),
            ["provider"] = new JsonObject { ["type"] = "builtin", ["tool"] = "fetch-page" },
        });
        Assert.Contains(new string('n', 100), (await Cli.RunAsync(null, "tools", "--data", peer.DataDirectory)).Output, StringComparison.Ordinal);
    }
}
