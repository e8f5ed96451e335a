using System.Text.Json;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Tests.Tools;

/// <summary>The bytes of the registry's journal, frozen: a journal that was written once must be readable for ever.</summary>
public class ToolsJournalTests
{
    private static readonly ToolAdded Tool = new(new RegisteredTool(
        new ToolDefinition("tell", "Tells tokens.", ["text"], """{"type":"object"}""", Amount.MicroUsdc(3), 2),
        new ToolProvider("http", """{"url":"http://127.0.0.1/"}""")));

    private static readonly McpServerAdded Server = new(new McpServerSpec("stdio://npx", ["-y", "server"], new Dictionary<string, string> { ["KEY"] = "value" }), "server");
    private static readonly CapabilityDescribed Skill = new(new DescribedCapability("skill", "helm-deploy", "Deploys charts.", ["kubernetes"]));

    private static readonly Dictionary<string, (object Record, string Hex)> Frozen = new()
    {
        ["tool-added:1"] = (Tool, "0a0474656c6c120d54656c6c7320746f6b656e732e1a047465787422117b2274797065223a226f626a656374227d28033204555344433a0468747470421b7b2275726c223a22687474703a2f2f3132372e302e302e312f227d4802"),
        ["tool-removed:1"] = (new ToolRemoved("tell"), "0a0474656c6c"),
        ["mcp-server-added:1"] = (Server, "0a0b737464696f3a2f2f6e707812022d7912067365727665721a0c0a034b4559120576616c75652206736572766572"),
        ["mcp-server-removed:1"] = (new McpServerRemoved("stdio://npx -y server"), "0a15737464696f3a2f2f6e7078202d7920736572766572"),
        ["capability-described:1"] = (Skill, "0a05736b696c6c120b68656c6d2d6465706c6f791a0f4465706c6f7973206368617274732e220a6b756265726e65746573"),
        ["capability-withdrawn:1"] = (new CapabilityWithdrawn("skills/helm-deploy"), "0a12736b696c6c732f68656c6d2d6465706c6f79"),
        ["tool-registry:1"] = (ToolRegistryState.Empty.Apply(Tool).Apply(Server).Apply(Skill), "0a5b0a0474656c6c120d54656c6c7320746f6b656e732e1a047465787422117b2274797065223a226f626a656374227d28033204555344433a0468747470421b7b2275726c223a22687474703a2f2f3132372e302e302e312f227d4802122f0a0b737464696f3a2f2f6e707812022d7912067365727665721a0c0a034b4559120576616c756522067365727665721a310a05736b696c6c120b68656c6d2d6465706c6f791a0f4465706c6f7973206368617274732e220a6b756265726e65746573"),
    };

    public static TheoryData<string> Manifests => [.. ToolsJournal.Format.Manifests];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void What_was_written_stays_readable(string manifest)
    {
        var (record, hex) = Frozen[manifest];
        Assert.Equal(manifest, ToolsJournal.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(ToolsJournal.Format.ToBytes(record)));
        var back = ToolsJournal.Format.FromBytes(manifest, Convert.FromHexString(hex));
        Assert.Equal(JsonSerializer.Serialize(record, record.GetType()), JsonSerializer.Serialize(back, back.GetType()));
    }
}
