using FsCheck.Xunit;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Tests.Tools;

public class ToolRegistryStateTests
{
    private static readonly ToolProvider Provider = new("http", """{"url":"http://127.0.0.1/"}""");

    internal static ToolDefinition Tool(string name, string description = "", params string[] capabilities) =>
        new(name, description, capabilities, "", Amount.MicroUsdc(0));

    [Theory]
    [InlineData("")]
    [InlineData("with space")]
    [InlineData("ümlaut")]
    [InlineData("a/b")]
    public void A_bad_name_is_refused(string name) =>
        Assert.Equal(ErrorCodes.InvalidParams, ToolRegistryState.Empty.Decide(new ToolCommands.Register(Tool(name), Provider)).Refusal?.Code);

    [Fact]
    public void Limits_hold()
    {
        Assert.Equal(ErrorCodes.InvalidParams, Refused(Tool(new string('a', 129))));
        Assert.Equal(ErrorCodes.TooLarge, Refused(Tool("a", new string('x', 8193))));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(Tool("a", "", [.. Enumerable.Range(0, 33).Select(i => $"tag{i}")])));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(Tool("a") with { InputSchema = """{"$ref":"http://x/"}""" }));
        var full = Enumerable.Range(0, ToolRules.MaxTools).Aggregate(ToolRegistryState.Empty, (s, i) => Carry(s, new ToolCommands.Register(Tool($"t{i}"), Provider)));
        Assert.Equal(ErrorCodes.TooLarge, full.Decide(new ToolCommands.Register(Tool("more"), Provider)).Refusal?.Code);

        static string? Refused(ToolDefinition tool) => ToolRegistryState.Empty.Decide(new ToolCommands.Register(tool, Provider)).Refusal?.Code;
    }

    [Fact]
    public void Tags_become_lower_case_and_registering_the_same_again_changes_nothing()
    {
        var command = new ToolCommands.Register(Tool("a", "d", " Search ", "search"), Provider);
        var state = Carry(ToolRegistryState.Empty, command);
        Assert.Equal(["search"], state.Tools["a"].Definition.Capabilities);
        Assert.Empty(state.Decide(command).Events);
    }

    [Fact]
    public void A_server_is_forgotten_with_its_last_tool_and_names_never_clash()
    {
        var one = Attach("x", "server", "read", "write");
        var two = Attach("y", "server", "read");
        var state = Carry(Carry(ToolRegistryState.Empty, one), two);
        Assert.Equal(["server-2.read", "server.read", "server.write"], state.Tools.Keys);
        state = Carry(state, new ToolCommands.Unregister("server-2.read"));
        Assert.Equal([one.Spec.Key], state.Servers.Keys);
        Assert.Equal(["server.read"], Carry(state, one with { Listed = one.Listed.Take(1).ToList() }).Tools.Keys);
    }

    [Fact]
    public void Long_and_odd_names_of_a_server_stay_apart()
    {
        var names = ToolRegistryState.Empty.Decide(Attach("x", "@scope/odd server!", "a b", "a_b", new string('n', 200) + "1", new string('n', 200) + "2")).Names;
        Assert.Equal(4, names.Distinct().Count());
        Assert.All(names, n => Assert.True(ToolRules.IsName(n), n));
    }

    [Fact]
    public void A_servers_tool_with_an_odd_schema_is_left_out_with_the_reason()
    {
        var odd = new McpTool("odd", "d", """{"type":"object","properties":{"a":{"type":"strin"}}}""");
        var twice = new McpTool("twice", "d", """{"type":"object","type":"object"}""");
        var attach = Attach("x", "server", "read");
        attach = attach with { Listed = [.. attach.Listed, odd, twice] };
        var decision = ToolRegistryState.Empty.Decide(attach);
        Assert.Equal(["server.read"], decision.Names);
        Assert.Equal(2, decision.Skipped.Count);
        Assert.Contains("'odd'", decision.Skipped[0].Message, StringComparison.Ordinal);
        Assert.Contains("'/properties/a/type'", decision.Skipped[0].Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.InvalidParams, ToolRegistryState.Empty.Decide(attach with { Wanted = ["read", "odd"] }).Refusal?.Code);
        Assert.Equal(ErrorCodes.InvalidParams, ToolRegistryState.Empty.Decide(attach with { Listed = [odd] }).Refusal?.Code);
        Assert.NotEqual(odd.Pin, twice.Pin);
    }

    [Fact]
    public void A_pin_ignores_the_order_of_members_but_nothing_else()
    {
        var pin = new McpTool("t", "d", """{"type":"object","properties":{"a":{"type":"string"},"b":{}}}""").Pin;
        Assert.Equal(pin, new McpTool("t", "d", """{"properties":{"b":{},"a":{"type":"string"}},"type":"object"}""").Pin);
        Assert.NotEqual(pin, new McpTool("t", "D", """{"type":"object","properties":{"a":{"type":"string"},"b":{}}}""").Pin);
        Assert.NotEqual(pin, new McpTool("t", "d", """{"type":"object","properties":{"a":{"type":"string"},"b":true}}""").Pin);
    }

    [Property]
    public void The_journal_gives_back_the_same_state((byte Name, byte Kind)[] steps)
    {
        var state = steps.Aggregate(ToolRegistryState.Empty, (s, step) => (step.Kind % 3) switch
        {
            0 => Carry(s, new ToolCommands.Register(Tool($"t{step.Name % 8}", $"d{step.Kind}", "tag"), Provider)),
            1 => Carry(s, new ToolCommands.Unregister($"t{step.Name % 8}")),
            _ => Carry(s, Attach($"s{step.Name % 3}", "s", $"a{step.Kind % 4}", "b")),
        });
        var format = ToolsJournal.Format;
        var back = (ToolRegistryState)format.FromBytes(format.ManifestOf(state), format.ToBytes(state));
        Assert.Equal(format.ToBytes(state), format.ToBytes(back));
        Assert.Equal(state.Tools.Keys, back.Tools.Keys);
        Assert.All(state.Tools.Values.Where(t => t.Provider.Type == McpRunner.TypeName), t => Assert.True(state.Servers.ContainsKey(McpToolConfiguration.Parse(t.Provider.Configuration).Server)));
    }

    private static AttachMcpServer Attach(string command, string serverName, params string[] tools) => new(
        new McpServerSpec($"stdio://{command}", [], new Dictionary<string, string> { ["TOKEN"] = "secret" }),
        serverName,
        [.. tools.Select(t => new McpTool(t, "does", """{"type":"object"}"""))],
        null,
        Amount.MicroUsdc(1),
        ["bridge"]);

    private static ToolRegistryState Carry(ToolRegistryState state, object command)
    {
        var decision = command switch
        {
            ToolCommands.Register register => state.Decide(register),
            ToolCommands.Unregister unregister => state.Decide(unregister),
            _ => state.Decide((AttachMcpServer)command),
        };
        return decision.Events.Aggregate(state, (s, e) =>
        {
            var format = ToolsJournal.Format;
            return s.Apply((IToolRegistryEvent)format.FromBytes(format.ManifestOf(e), format.ToBytes(e)));
        });
    }
}
