using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools;

/// <summary>A tool of this peer and how it is carried out.</summary>
internal sealed record RegisteredTool(ToolDefinition Definition, ToolProvider Provider);

/// <summary>What the registry journals.</summary>
internal interface IToolRegistryEvent;

/// <summary>A tool was registered, or one of the same name replaced.</summary>
internal sealed record ToolAdded(RegisteredTool Tool) : IToolRegistryEvent;

/// <summary>A tool was removed.</summary>
internal sealed record ToolRemoved(string Name) : IToolRegistryEvent;

/// <summary>An MCP server was registered; its tools' names start with <paramref name="Prefix"/>.</summary>
internal sealed record McpServerAdded(McpServerSpec Spec, string Prefix) : IToolRegistryEvent;

/// <summary>An MCP server has no tools left here.</summary>
internal sealed record McpServerRemoved(string Key) : IToolRegistryEvent;

/// <summary>What a connected MCP server offered, as the registry decides on it.</summary>
/// <param name="Spec">How it is reached.</param>
/// <param name="ServerName">What it calls itself.</param>
/// <param name="Listed">Its tools.</param>
/// <param name="Wanted">Which of them; null for all.</param>
/// <param name="Price">Price of each.</param>
/// <param name="Capabilities">Tags of each.</param>
internal sealed record AttachMcpServer(McpServerSpec Spec, string ServerName, IReadOnlyList<McpTool> Listed, IReadOnlyList<string>? Wanted, Amount Price, IReadOnlyList<string> Capabilities);

/// <summary>A skill or an agent that this peer describes to others.</summary>
/// <param name="Type">"skill" or "agent".</param>
/// <param name="Name">Unique within its type.</param>
/// <param name="Description">What it does or can.</param>
/// <param name="Tags">Lower-case tags.</param>
internal sealed record DescribedCapability(string Type, string Name, string Description, IReadOnlyList<string> Tags)
{
    /// <summary>What stands behind the peer in its id.</summary>
    public string Path => $"{Type}/{Name}";
}

/// <summary>A skill or an agent was described, or one of the same type and name replaced.</summary>
internal sealed record CapabilityDescribed(DescribedCapability Capability) : IToolRegistryEvent;

/// <summary>A skill or an agent was withdrawn.</summary>
internal sealed record CapabilityWithdrawn(string Path) : IToolRegistryEvent;

/// <summary>Events, or why there are none.</summary>
internal sealed record ToolDecision(IReadOnlyList<IToolRegistryEvent> Events, IReadOnlyList<string> Names, Refusal? Refusal)
{
    /// <summary>What was left out, and why.</summary>
    public IReadOnlyList<Refusal> Skipped { get; init; } = [];

    public static ToolDecision Of(string name, params IToolRegistryEvent[] events) => new(events, [name], null);

    public static ToolDecision Refused(Refusal refusal) => new([], [], refusal);

    public static ToolDecision Refused(string code, string message) => Refused(new Refusal(code, message));
}

/// <summary>The tools of this peer; pure. Invariant: names are valid and unique, and every MCP tool's server is known.</summary>
internal sealed record ToolRegistryState(ImmutableSortedDictionary<string, RegisteredTool> Tools, ImmutableDictionary<string, McpServerAdded> Servers)
{
    public static readonly ToolRegistryState Empty = new(ImmutableSortedDictionary<string, RegisteredTool>.Empty.WithComparers(StringComparer.Ordinal), ImmutableDictionary<string, McpServerAdded>.Empty);

    /// <summary>Skills and agents by their <see cref="DescribedCapability.Path"/>.</summary>
    public ImmutableSortedDictionary<string, DescribedCapability> Described { get; init; } = ImmutableSortedDictionary<string, DescribedCapability>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>Describes or replaces one skill or agent; describing the same again changes nothing.</summary>
    public ToolDecision Decide(ToolCommands.Describe command)
    {
        var (capability, refusal) = ToolRules.Normalise(new DescribedCapability(command.Type, command.Name, command.Description, command.Tags));
        if (capability is null)
        {
            return ToolDecision.Refused(refusal!);
        }

        var known = Described.GetValueOrDefault(capability.Path);
        if (known is null && Described.Count >= ToolRules.MaxTools)
        {
            return ToolDecision.Refused(ErrorCodes.TooLarge, $"This peer describes {ToolRules.MaxTools} skills and agents already; withdraw one first.");
        }

        var same = known is not null && known with { Tags = [] } == capability with { Tags = [] } && known.Tags.SequenceEqual(capability.Tags);
        return same ? ToolDecision.Of(capability.Path) : ToolDecision.Of(capability.Path, new CapabilityDescribed(capability));
    }

    /// <summary>Withdraws one skill or agent.</summary>
    public ToolDecision Decide(ToolCommands.Withdraw command)
    {
        var path = $"{command.Type}/{command.Name}";
        return Described.ContainsKey(path)
            ? ToolDecision.Of(path, new CapabilityWithdrawn(path))
            : ToolDecision.Refused(ErrorCodes.NotFound, $"This peer describes no {path}; matrix.search lists what there is.");
    }

    /// <summary>Registers or replaces one tool; registering the same again changes nothing.</summary>
    public ToolDecision Decide(ToolCommands.Register command)
    {
        var (definition, refusal) = ToolRules.Normalise(command.Definition);
        if (definition is null)
        {
            return ToolDecision.Refused(refusal!);
        }

        var known = Tools.GetValueOrDefault(definition.Name);
        if (known is null && Tools.Count >= ToolRules.MaxTools)
        {
            return ToolDecision.Refused(ErrorCodes.TooLarge, $"This peer has {ToolRules.MaxTools} tools already; unregister one first.");
        }

        var tool = new RegisteredTool(definition, command.Provider);
        return known is not null && IsSame(known, tool) ? ToolDecision.Of(definition.Name) : ToolDecision.Of(definition.Name, new ToolAdded(tool));
    }

    /// <summary>Removes one tool, and its MCP server with the last tool of it.</summary>
    public ToolDecision Decide(ToolCommands.Unregister command)
    {
        if (!Tools.TryGetValue(command.Name, out var tool))
        {
            return ToolDecision.Refused(ErrorCodes.ToolNotFound, $"This peer has no tool '{command.Name}'; tool.discover lists what there is.");
        }

        var orphan = ServerOf(tool) is { } key && !Tools.Values.Any(t => t != tool && ServerOf(t) == key) ? key : null;
        return orphan is null ? ToolDecision.Of(command.Name, new ToolRemoved(command.Name)) : ToolDecision.Of(command.Name, new ToolRemoved(command.Name), new McpServerRemoved(orphan));
    }

    /// <summary>
    /// Registers a server's tools as <c>{serverName}.{tool}</c>, each with the pin of what it says about itself now. Tools
    /// of the same server that it lists no more are removed. A tool that can't be registered (a schema that is none) is
    /// left out with its reason, unless it was asked for by name or nothing else is there: then that is the refusal.
    /// </summary>
    public ToolDecision Decide(AttachMcpServer command)
    {
        var key = command.Spec.Key;
        if (command.Wanted?.FirstOrDefault(w => command.Listed.All(t => t.Name != w)) is { } absent)
        {
            return ToolDecision.Refused(ErrorCodes.InvalidParams, $"The MCP server has no tool '{absent}'; it has {string.Join(", ", command.Listed.Select(t => t.Name).Take(50))}.");
        }

        var prefix = Servers.TryGetValue(key, out var server) ? server.Prefix : FreePrefix(command.ServerName);
        var added = new List<IToolRegistryEvent> { new McpServerAdded(command.Spec, prefix) };
        var names = new List<string>();
        var skipped = new List<Refusal>();
        foreach (var tool in command.Listed.Where(t => command.Wanted is null || command.Wanted.Contains(t.Name)).OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            var name = NameOf(prefix, tool.Name);
            var (definition, refusal) = ToolRules.Normalise(new ToolDefinition(name, tool.Description, command.Capabilities, tool.InputSchema, command.Price));
            if (definition is null)
            {
                skipped.Add(new Refusal(refusal!.Code, $"The MCP server's tool '{tool.Name}' can't be registered; name the others in tools[]. {refusal.Message}"));
                continue;
            }

            names.Add(name);
            added.Add(new ToolAdded(new RegisteredTool(definition, new ToolProvider(McpRunner.TypeName, new McpToolConfiguration(key, tool.Name, tool.Pin).ToString()))));
        }

        if (skipped.Count > 0 && (names.Count == 0 || command.Wanted is not null))
        {
            return ToolDecision.Refused(skipped[0]);
        }

        if (names.Count == 0)
        {
            return ToolDecision.Refused(ErrorCodes.InvalidParams, "The MCP server lists no tools, so there is nothing to register.");
        }

        var removed = Tools.Where(t => ServerOf(t.Value) == key && !names.Contains(t.Key)).Select(t => new ToolRemoved(t.Key)).ToList();
        var total = Tools.Count - removed.Count + names.Count(n => !Tools.ContainsKey(n));
        return total > ToolRules.MaxTools
            ? ToolDecision.Refused(ErrorCodes.TooLarge, $"This peer would have {total} tools; at most {ToolRules.MaxTools} fit. Name those that you want in tools[].")
            : new ToolDecision([.. removed, .. added], names, null) { Skipped = skipped };
    }

    public ToolRegistryState Apply(IToolRegistryEvent happened) => happened switch
    {
        ToolAdded added => this with { Tools = Tools.SetItem(added.Tool.Definition.Name, added.Tool) },
        ToolRemoved removed => this with { Tools = Tools.Remove(removed.Name) },
        McpServerAdded server => this with { Servers = Servers.SetItem(server.Spec.Key, server) },
        McpServerRemoved server => this with { Servers = Servers.Remove(server.Key) },
        CapabilityDescribed described => this with { Described = Described.SetItem(described.Capability.Path, described.Capability) },
        CapabilityWithdrawn withdrawn => this with { Described = Described.Remove(withdrawn.Path) },
        _ => throw new ArgumentException($"{happened.GetType()} is no event of the tool registry.", nameof(happened)),
    };

    private static string? ServerOf(RegisteredTool tool) => tool.Provider.Type == McpRunner.TypeName ? McpToolConfiguration.Parse(tool.Provider.Configuration).Server : null;

    private static bool IsSame(RegisteredTool a, RegisteredTool b) =>
        a.Provider == b.Provider && a.Definition with { Capabilities = [] } == b.Definition with { Capabilities = [] } && a.Definition.Capabilities.SequenceEqual(b.Definition.Capabilities);

    // Names of models' tool lists end at 128 characters; a cut name keeps a hash so that two long ones stay apart.
    private static string NameOf(string prefix, string tool)
    {
        var name = $"{prefix}.{ToolRules.Sanitise(tool)}";
        var exact = name.Length <= ToolRules.MaxName && ToolRules.IsName(tool);
        return exact ? name : $"{name[..Math.Min(name.Length, ToolRules.MaxName - 9)]}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tool)))[..8]}";
    }

    private string FreePrefix(string serverName)
    {
        var wanted = ToolRules.Sanitise(serverName.Contains('/', StringComparison.Ordinal) ? serverName[(serverName.LastIndexOf('/') + 1)..] : serverName);
        wanted = wanted.Length > 48 ? wanted[..48] : wanted;
        var candidates = Enumerable.Range(1, int.MaxValue).Select(i => i == 1 ? wanted : $"{wanted}-{i}");
        return candidates.First(p => Servers.Values.All(s => s.Prefix != p) && !Tools.Keys.Any(t => t.StartsWith(p + ".", StringComparison.Ordinal)));
    }
}
