using System.Collections.Immutable;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Tools.Journal;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools;

/// <summary>How the registry's events and snapshots are written.</summary>
internal static class ToolsJournal
{
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<ToolAdded, ToolEntry>("tool-added:1", e => ToEntry(e.Tool), m => new ToolAdded(FromEntry(m)))
        .Map<ToolRemoved, ToolRemovedEntry>("tool-removed:1", e => new ToolRemovedEntry { Name = e.Name }, m => new ToolRemoved(m.Name))
        .Map<McpServerAdded, McpServerEntry>("mcp-server-added:1", ToEntry, FromEntry)
        .Map<McpServerRemoved, McpServerRemovedEntry>("mcp-server-removed:1", e => new McpServerRemovedEntry { Key = e.Key }, m => new McpServerRemoved(m.Key))
        .Map<CapabilityDescribed, DescribedEntry>("capability-described:1", e => ToEntry(e.Capability), m => new CapabilityDescribed(FromEntry(m)))
        .Map<CapabilityWithdrawn, WithdrawnEntry>("capability-withdrawn:1", e => new WithdrawnEntry { Path = e.Path }, m => new CapabilityWithdrawn(m.Path))
        .Map<ToolRegistryState, RegistrySnapshot>(
            "tool-registry:1",
            s => new RegistrySnapshot { Tools = { s.Tools.Values.Select(ToEntry) }, Servers = { s.Servers.Values.Select(ToEntry) }, Described = { s.Described.Values.Select(ToEntry) } },
            m => m.Tools.Select(t => (IToolRegistryEvent)new ToolAdded(FromEntry(t))).Concat(m.Servers.Select(FromEntry)).Concat(m.Described.Select(d => new CapabilityDescribed(FromEntry(d)))).Aggregate(ToolRegistryState.Empty, (state, happened) => state.Apply(happened)));

    private static ToolEntry ToEntry(RegisteredTool tool) => new()
    {
        Name = tool.Definition.Name,
        Description = tool.Definition.Description,
        Capabilities = { tool.Definition.Capabilities },
        InputSchema = tool.Definition.InputSchema,
        PriceMicro = tool.Definition.Price.MicroUnits,
        Currency = tool.Definition.Price.Currency.Code,
        PerTokens = (uint)tool.Definition.PerTokens,
        ProviderType = tool.Provider.Type,
        ProviderConfiguration = tool.Provider.Configuration,
    };

    private static RegisteredTool FromEntry(ToolEntry entry) => new(
        new ToolDefinition(entry.Name, entry.Description, [.. entry.Capabilities], entry.InputSchema, new Amount(entry.PriceMicro, Currency.Parse(entry.Currency)), (int)entry.PerTokens),
        new ToolProvider(entry.ProviderType, entry.ProviderConfiguration));

    private static DescribedEntry ToEntry(DescribedCapability described) => new() { Type = described.Type, Name = described.Name, Description = described.Description, Tags = { described.Tags } };

    private static DescribedCapability FromEntry(DescribedEntry entry) => new(entry.Type, entry.Name, entry.Description, [.. entry.Tags]);

    private static McpServerEntry ToEntry(McpServerAdded server) => new()
    {
        Url = server.Spec.Url,
        Args = { server.Spec.Args },
        Env = { server.Spec.Env.ToDictionary() },
        Prefix = server.Prefix,
    };

    private static McpServerAdded FromEntry(McpServerEntry entry) => new(new McpServerSpec(entry.Url, [.. entry.Args], entry.Env.ToImmutableDictionary()), entry.Prefix);
}
