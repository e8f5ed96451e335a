using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>The tiers in the order in which they are asked.</summary>
internal static class Tiers
{
    public const string Registry = "registry";
    public const string Dht = "dht";
    public const string Gossip = "gossip";
}

/// <summary>
/// One discovery as it goes on; pure. Each tier's finds are added in turn; a tool keeps the first tier that found it; a
/// later tier is asked only while fewer tools than the limit fit.
/// </summary>
internal sealed class DiscoveryPlan
{
    public const int MaxLimit = 200;
    private const int MaxKeys = 64;
    private readonly ToolCommands.Discover _command;
    private readonly Func<string, double> _reputationOf;
    private readonly Dictionary<string, DiscoveredTool> _found = new(StringComparer.Ordinal);

    private DiscoveryPlan(ToolCommands.Discover command, Func<string, double> reputationOf)
    {
        _command = command;
        _reputationOf = reputationOf;
    }

    /// <summary>Whether everything that is known is asked for.</summary>
    public bool AsksForAll => ToolRanking.WordsOf(_command.Query).Count == 0 && _command.Capabilities.Count == 0;

    /// <summary>Whether the tiers asked so far gave as many as are wanted.</summary>
    public bool IsSatisfied => Ranked().Count >= _command.Limit;

    /// <summary>A plan, or why the command is refused.</summary>
    /// <param name="command">What is looked for.</param>
    /// <param name="reputationOf">How a provider stands: <see cref="ITrust.ReputationOf"/>.</param>
    public static (DiscoveryPlan? Plan, Refusal? Refusal) Of(ToolCommands.Discover command, Func<string, double> reputationOf) => command switch
    {
        { Limit: < 1 or > MaxLimit } => Refused($"limit is 1 to {MaxLimit}."),
        { Query.Length: > 1024 } => Refused("query has at most 1024 characters."),
        { MinReputation: < 0 or > 1 or double.NaN } => Refused("minReputation is 0 to 1."),
        { Capabilities.Count: > ToolRules.MaxCapabilities } => Refused($"capabilities[] has at most {ToolRules.MaxCapabilities} tags."),
        _ when command.Timeout <= TimeSpan.Zero || command.Timeout > TimeSpan.FromMinutes(1) => Refused("timeoutMs is 1 to 60000."),
        _ => (new DiscoveryPlan(command with { Capabilities = [.. command.Capabilities.Select(c => c.Trim().ToLowerInvariant()).Where(ToolRules.IsCapability)] }, reputationOf), null),
    };

    /// <summary>The tags whose providers the DHT is asked for: capabilities, the whole query as a name, its words with and without their hyphens.</summary>
    public IReadOnlyList<string> RoutingTags()
    {
        var query = (_command.Query ?? "").ToLowerInvariant();
        var pieces = query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return [.. _command.Capabilities.Concat(pieces.Where(p => p.Length <= ToolRules.MaxName)).Concat(ToolRanking.WordsOf(query)).Distinct(StringComparer.Ordinal).Take(MaxKeys)];
    }

    /// <summary>Adds what a tier found; the first tier keeps a tool that several found.</summary>
    public void Add(string tier, PeerId provider, IEnumerable<ToolDefinition> tools)
    {
        var (peerId, reputation) = (provider.ToString(), _reputationOf(provider.ToString()));
        foreach (var tool in tools)
        {
            var id = ToolRules.IdOf(peerId, tool.Name);
            _found.TryAdd(id, new DiscoveredTool(id, tool, peerId, reputation, 0, tier));
        }
    }

    /// <summary>The query that the matrix can score; null when there is none.</summary>
    public string? Query => ToolRanking.WordsOf(_command.Query).Count > 0 ? _command.Query : null;

    /// <summary>The best of what was found.</summary>
    /// <param name="matrix">The matrix' scores by tool id; null: by words.</param>
    public IReadOnlyList<DiscoveredTool> Best(IReadOnlyDictionary<string, double>? matrix = null) => [.. Ranked(matrix).Take(_command.Limit)];

    private IReadOnlyList<DiscoveredTool> Ranked(IReadOnlyDictionary<string, double>? matrix = null) => ToolRanking.Rank(
        _command.Query,
        _command.Capabilities,
        [.. _found.Values.Where(t => Standing.Passes(t.Reputation, _command.MinReputation) && IsAffordable(t.Definition.Price))],
        matrix);

    private bool IsAffordable(Amount price) =>
        _command.MaxPrice is not { } most || price.IsZero || (price.Currency == most.Currency && price <= most);

    private static (DiscoveryPlan?, Refusal?) Refused(string message) => (null, new Refusal(ErrorCodes.InvalidParams, message));
}
