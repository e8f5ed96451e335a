using System.Diagnostics;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Actors.Tools.Schemas;
using Hyperspace.Contracts;

namespace Hyperspace.Tests.Interop;

/// <summary>MCP servers that we did not write, and one that breaks the protocol on purpose.</summary>
public class McpInteropTests(McpPartner partner) : IClassFixture<McpPartner>
{
    [SkippableFact]
    public async Task Server_everything_lists_and_answers_over_stdio()
    {
        await using var bridge = new McpBridge();
        var names = await bridge.RegisterAsync(partner.Everything());
        var prefix = names[0][..names[0].LastIndexOf('.')];
        Assert.Contains($"{prefix}.echo", names);
        Assert.Contains("Echo: hello", (await bridge.CallAsync($"{prefix}.echo", new { message = "hello" })).Content, StringComparison.Ordinal);
        Assert.Contains("5", (await bridge.CallAsync($"{prefix}.get-sum", new { a = 2, b = 3 })).Content, StringComparison.Ordinal);
        var structured = await bridge.CallAsync($"{prefix}.get-structured-content", new { location = "Chicago" });
        Assert.True(structured.Ok, structured.Error);
        Assert.Contains("temperature", structured.Structured, StringComparison.Ordinal);
        Assert.Contains("[image image/png", (await bridge.CallAsync($"{prefix}.get-tiny-image")).Content, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Server_everything_lists_and_answers_over_streamable_http()
    {
        await using var server = await partner.StartHttpAsync();
        await using var bridge = new McpBridge();
        var names = await bridge.RegisterAsync(server.Spec);
        var echo = names.Single(n => n.EndsWith(".echo", StringComparison.Ordinal));
        Assert.Contains("Echo: over http", (await bridge.CallAsync(echo, new { message = "over http" })).Content, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_restarted_http_server_is_used_again()
    {
        await using var bridge = new McpBridge();
        string echo;
        int port;
        await using (var first = await partner.StartHttpAsync())
        {
            port = first.Port;
            echo = (await bridge.RegisterAsync(first.Spec)).Single(n => n.EndsWith(".echo", StringComparison.Ordinal));
            Assert.True((await bridge.CallAsync(echo, new { message = "one" })).Ok);
        }

        await using var second = await partner.StartHttpAsync(port);
        var again = await bridge.CallAsync(echo, new { message = "two" });
        Assert.True(again.Ok, again.Error);
    }

    [SkippableFact]
    public async Task Server_filesystem_reads_inside_its_folder_and_reports_errors_as_failures()
    {
        var folder = Directory.CreateTempSubdirectory("hyperspace-mcp-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "note.txt"), "the note");
            await using var bridge = new McpBridge();
            var names = await bridge.RegisterAsync(partner.Filesystem(folder), "read_text_file", "list_directory");
            Assert.Equal(2, names.Count);
            var read = names.Single(n => n.EndsWith(".read_text_file", StringComparison.Ordinal));
            Assert.Equal("the note", (await bridge.CallAsync(read, new { path = Path.Combine(folder, "note.txt") })).Content);
            var outside = await bridge.CallAsync(read, new { path = "/etc/hostname" });
            Assert.False(outside.Ok);
            Assert.StartsWith(ErrorCodes.ToolFailed, outside.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [SkippableFact]
    public async Task Bad_parameters_are_found_by_the_servers_own_schema_before_a_call()
    {
        await using var bridge = new McpBridge();
        var names = await bridge.RegisterAsync(partner.Everything());
        var schemas = new SchemaCache();
        foreach (var name in names)
        {
            Assert.True(JsonSchema.TryCompile(bridge.State.Tools[name].Definition.InputSchema, out _, out var error), error);
        }

        var sum = bridge.State.Tools[names.Single(n => n.EndsWith(".get-sum", StringComparison.Ordinal))].Definition.InputSchema;
        Assert.Null(schemas.Check(sum, """{"a":1,"b":2.5}"""));
        var refusal = schemas.Check(sum, """{"a":"one"}""");
        Assert.Equal(ErrorCodes.InvalidParams, refusal!.Code);
        Assert.Contains("/a must be number, not string", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("/b is missing", refusal.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_slow_tool_is_cancelled_at_the_deadline_and_the_server_serves_on()
    {
        await using var bridge = new McpBridge();
        var names = await bridge.RegisterAsync(partner.Everything());
        var slow = names.Single(n => n.EndsWith(".trigger-long-running-operation", StringComparison.Ordinal));
        var echo = names.Single(n => n.EndsWith(".echo", StringComparison.Ordinal));
        var started = Stopwatch.GetTimestamp();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bridge.CallAsync(slow, new { duration = 60, steps = 2 }, TimeSpan.FromMilliseconds(500)));
        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
        Assert.True((await bridge.CallAsync(echo, new { message = "still here" })).Ok);
    }

    [SkippableFact]
    public async Task A_killed_server_is_started_again_by_the_next_call()
    {
        await using var bridge = new McpBridge();
        var spec = partner.Everything();
        var echo = (await bridge.RegisterAsync(spec)).Single(n => n.EndsWith(".echo", StringComparison.Ordinal));
        var first = await bridge.ProcessOf(spec);
        using (var process = Process.GetProcessById(first!.Value))
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        var again = await bridge.CallAsync(echo, new { message = "back" });
        Assert.True(again.Ok, again.Error);
        Assert.NotEqual(first, await bridge.ProcessOf(spec));
    }

    [SkippableFact]
    public async Task The_servers_process_ends_with_the_bridge()
    {
        int id;
        await using (var bridge = new McpBridge())
        {
            var spec = partner.Everything();
            await bridge.RegisterAsync(spec);
            id = (await bridge.ProcessOf(spec))!.Value;
        }

        Assert.Throws<ArgumentException>(() => Process.GetProcessById(id));
    }

    [SkippableTheory]
    [InlineData("garbage", true, "after garbage")]
    [InlineData("odd-blocks", true, "[image image/png")]
    [InlineData("many-blocks", true, "4000 more blocks were left out")]
    [InlineData("huge-line", false, ErrorCodes.BridgeFailed)]
    [InlineData("wrong-shape", false, ErrorCodes.BridgeFailed)]
    [InlineData("no-result", false, ErrorCodes.BridgeFailed)]
    [InlineData("rpc-error", false, "it broke inside")]
    [InlineData("dies", false, ErrorCodes.BridgeFailed)]
    [InlineData("twice", true, "said twice")]
    [InlineData("not-utf8", true, "seen ")]
    [InlineData("wrong-id", true, "mine")]
    public async Task A_malformed_answer_is_a_clear_result_and_the_next_call_works(string tool, bool ok, string expected)
    {
        await using var bridge = new McpBridge();
        await bridge.RegisterAsync(partner.Node("odd-server.mjs"));
        var run = await bridge.CallAsync($"odd.{tool}");
        Assert.Equal(ok, run.Ok);
        Assert.Contains(expected, ok ? run.Content : run.Error, StringComparison.Ordinal);
        Assert.True(run.Content.Length <= ToolRun.MaxCharacters + 100);
        Assert.Equal("fine", (await bridge.CallAsync("odd.fine")).Content);
    }

    [SkippableTheory]
    [InlineData("deep")]
    [InlineData("silent")]
    public async Task An_answer_that_cannot_be_parsed_or_never_comes_ends_at_the_deadline(string tool)
    {
        await using var bridge = new McpBridge();
        await bridge.RegisterAsync(partner.Node("odd-server.mjs"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bridge.CallAsync($"odd.{tool}", timeout: TimeSpan.FromMilliseconds(500)));
        Assert.Equal("fine", (await bridge.CallAsync("odd.fine")).Content);
    }

    [SkippableFact]
    public async Task A_tool_whose_schema_has_an_unknown_type_is_left_out()
    {
        await using var bridge = new McpBridge();
        var names = await bridge.RegisterAsync(partner.Node("odd-server.mjs", """{"type":"object","properties":{"a":{"type":"objekt"}}}"""));
        Assert.DoesNotContain("odd.odd-schema", names);
        Assert.Equal("fine", (await bridge.CallAsync("odd.fine")).Content);
    }

    [SkippableTheory]
    [InlineData("""{"type":"objekt"}""")]
    [InlineData("5")]
    [InlineData("null")]
    public async Task A_server_that_lists_a_schema_of_no_object_is_refused_with_a_sentence(string schema)
    {
        await using var bridge = new McpBridge();
        var spec = partner.Node("odd-server.mjs", schema);
        bridge.Servers.Add(spec);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var (connection, refusal) = await bridge.Servers.ReconnectAsync(spec.Key, timeout.Token);
        Assert.Null(connection);
        Assert.Equal(ErrorCodes.BridgeFailed, refusal?.Code);
    }

    [SkippableFact]
    public async Task A_tool_that_changes_after_its_registration_is_blocked_until_registered_again()
    {
        await using var bridge = new McpBridge();
        var spec = partner.Node("odd-server.mjs");
        await bridge.RegisterAsync(spec);
        await bridge.CallAsync("odd.change");
        ToolRun blocked;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        do
        {
            // The server's notice travels on its own; calls go through until it is read.
            patience.Token.ThrowIfCancellationRequested();
            blocked = await bridge.CallAsync("odd.fine");
        }
        while (blocked.Ok);

        Assert.StartsWith(ErrorCodes.BridgeFailed, blocked.Error, StringComparison.Ordinal);
        Assert.Contains("blocked", blocked.Error, StringComparison.Ordinal);
        await bridge.RegisterAsync(spec);
        Assert.True((await bridge.CallAsync("odd.fine")).Ok);
    }

    [SkippableFact]
    public async Task A_command_that_is_not_there_is_refused_with_its_name()
    {
        await using var bridge = new McpBridge();
        var spec = new McpServerSpec("stdio://no-such-command-here", [], new Dictionary<string, string>());
        bridge.Servers.Add(spec);
        var (connection, refusal) = await bridge.Servers.ReconnectAsync(spec.Key, CancellationToken.None);
        Assert.Null(connection);
        Assert.Equal(ErrorCodes.BridgeFailed, refusal!.Code);
        Assert.Contains("no-such-command-here", refusal.Message, StringComparison.Ordinal);
    }
}
