using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Tools;

/// <summary>A tool as peers describe it to each other.</summary>
/// <param name="Name">1 to 128 of <c>A–Z a–z 0–9 _ . -</c>, unique at its provider.</param>
/// <param name="Description">What it does, for agents.</param>
/// <param name="Capabilities">Lower-case tags; with the name they are its DHT keys.</param>
/// <param name="InputSchema">JSON Schema of its parameters, as JSON text.</param>
/// <param name="Price">Per call, or per so many tokens; zero when it is free.</param>
/// <param name="PerTokens">0: the tool answers a call in one piece, for <paramref name="Price"/>. Else it streams tokens (what its provider sends as one piece), and so many cost <paramref name="Price"/>.</param>
public sealed record ToolDefinition(string Name, string Description, IReadOnlyList<string> Capabilities, string InputSchema, Amount Price, int PerTokens = 0)
{
    /// <summary>Largest <see cref="PerTokens"/>: prices of models are often per million tokens.</summary>
    public const int MaxPerTokens = 1_000_000;

    /// <summary>True when it streams tokens.</summary>
    public bool Streams => PerTokens > 0;

    /// <summary>
    /// What the first <paramref name="tokens"/> tokens of a stream cost together: rounded up to a micro-unit once, on the
    /// total, so that neither side gains by the way it is cut. What a further token costs is a difference of two totals.
    /// </summary>
    /// <exception cref="OverflowException">Over the largest amount.</exception>
    public Amount CostOf(long tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        var (whole, rest) = UInt128.DivRem((UInt128)tokens * Price.MicroUnits, (UInt128)(uint)Math.Max(1, PerTokens));
        return new Amount(checked((ulong)(rest == 0 ? whole : whole + 1)), Price.Currency);
    }
}

/// <summary>How a registered tool is carried out.</summary>
/// <param name="Type">"builtin", "http" or "mcp".</param>
/// <param name="Configuration">JSON that the runner of that type understands.</param>
public sealed record ToolProvider(string Type, string Configuration);

/// <summary>A tool that was found, with where it was found.</summary>
/// <param name="Id"><c>{peerId}/{name}</c>.</param>
/// <param name="Definition">The tool.</param>
/// <param name="PeerId">Its provider.</param>
/// <param name="Reputation">0 to 1; 0.5 while nothing is known.</param>
/// <param name="Score">0 to 1: how well it fits the query.</param>
/// <param name="Tier">"registry", "dht" or "gossip".</param>
public sealed record DiscoveredTool(string Id, ToolDefinition Definition, string PeerId, double Reputation, double Score, string Tier);

/// <summary>Messages of the tool registry.</summary>
public static class ToolCommands
{
    /// <summary>Registers a tool on this peer, replacing one of the same name; journalled. Answered with <see cref="ToolRegistered"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Register(ToolDefinition Definition, ToolProvider Provider);

    /// <summary>Connects an MCP server and registers its tools; kept over restarts. Answered with <see cref="McpServerRegistered"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Url"><c>stdio://COMMAND</c> or <c>http(s)://…</c>.</param>
    /// <param name="Args">Arguments of the command.</param>
    /// <param name="Env">Environment of the command, beside PATH, HOME, LANG and TMPDIR (and what Windows needs); nothing else of this peer's environment reaches it.</param>
    /// <param name="Tools">Which tools; null for all.</param>
    /// <param name="Price">Price of each tool per call.</param>
    /// <param name="Capabilities">Tags of each tool.</param>
    public sealed record RegisterMcpServer(string Url, IReadOnlyList<string> Args, IReadOnlyDictionary<string, string> Env, IReadOnlyList<string>? Tools, Amount Price, IReadOnlyList<string> Capabilities);

    /// <summary>Removes a tool of this peer; journalled. Answered with <see cref="ToolRegistered"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Unregister(string Name);

    /// <summary>Describes a skill or an agent of this peer to the network, replacing one of the same type and name; journalled. Answered with <see cref="ToolRegistered"/>, whose id is <c>{peerId}/{type}/{name}</c>, or a <see cref="Refusal"/>.</summary>
    /// <param name="Type">"skill" or "agent".</param>
    /// <param name="Name">As of a tool.</param>
    /// <param name="Description">What it does or can, for agents.</param>
    /// <param name="Tags">Lower-case tags.</param>
    public sealed record Describe(string Type, string Name, string Description, IReadOnlyList<string> Tags);

    /// <summary>Withdraws a skill or an agent of this peer; journalled. Answered with <see cref="ToolRegistered"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Withdraw(string Type, string Name);

    /// <summary>This peer's own tools. Answered with <see cref="ToolList"/>.</summary>
    public sealed record List;

    /// <summary>Registry → DHT → gossip, each bounded in time, merged, filtered and ranked. Answered with <see cref="DiscoveryResult"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Query">What is to be done, in words or by name.</param>
    /// <param name="Capabilities">Tags, of which a tool needs one.</param>
    /// <param name="MinReputation">0 to 1; peers that nobody has rated yet pass, marked with a reputation of 0.5.</param>
    /// <param name="MaxPrice">Most per call.</param>
    /// <param name="Limit">Most tools.</param>
    /// <param name="Timeout">For all tiers together.</param>
    public sealed record Discover(string? Query, IReadOnlyList<string> Capabilities, double? MinReputation, Amount? MaxPrice, int Limit, TimeSpan Timeout);

    /// <summary>Runs a tool here or at its provider, inside the session's budget, paying when asked. Answered with <see cref="InvocationResult"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Invoke(string ToolId, string Params, string SessionId, TimeSpan Timeout);

    /// <summary>
    /// Runs a tool that streams, here or at its provider, paying by the token inside the session's budget. The asker is told
    /// <see cref="StreamedTokens"/>, each of which it answers with <see cref="TokensTaken"/> before the next come, and at last
    /// an <see cref="InvocationResult"/> without content, or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="ToolId">The tool.</param>
    /// <param name="Params">JSON object.</param>
    /// <param name="SessionId">The session that pays.</param>
    /// <param name="MaxCost">What the stream may cost; set aside in the session until it ends.</param>
    /// <param name="TokensAhead">Tokens that are paid ahead of what has come: what the payer risks, and why no token waits.</param>
    /// <param name="TokensPerVoucher">Vouchers are signed for so many tokens.</param>
    /// <param name="Timeout">For the whole stream.</param>
    public sealed record Stream(string ToolId, string Params, string SessionId, Amount MaxCost, int TokensAhead, int TokensPerVoucher, TimeSpan Timeout);
}

/// <summary>Tokens of a stream, in order.</summary>
/// <param name="Texts">The tokens.</param>
/// <param name="Total">How many have come, these included.</param>
/// <param name="Cost">What they cost together.</param>
public sealed record StreamedTokens(IReadOnlyList<string> Texts, long Total, Amount Cost);

/// <summary>The asker of a stream has taken what it was told.</summary>
public sealed record TokensTaken
{
    /// <summary>The only one.</summary>
    public static TokensTaken Instance { get; } = new();
}

/// <summary>The tool's id is <c>{peerId}/{name}</c>.</summary>
public sealed record ToolRegistered(string ToolId);

/// <summary>What was registered of an MCP server.</summary>
/// <param name="ToolIds">The ids of the server's tools.</param>
/// <param name="Skipped">A sentence for each tool that could not be registered, as one with an invalid schema.</param>
public sealed record McpServerRegistered(IReadOnlyList<string> ToolIds, IReadOnlyList<string> Skipped);

/// <summary>This peer's tools.</summary>
public sealed record ToolList(IReadOnlyList<DiscoveredTool> Tools);

/// <summary>What was found, best first, and which tiers were asked.</summary>
public sealed record DiscoveryResult(IReadOnlyList<DiscoveredTool> Tools, IReadOnlyList<string> TiersAsked);

/// <summary>What a call gave.</summary>
/// <param name="Ok">Whether the tool did what was asked.</param>
/// <param name="Content">Text for a model or a person.</param>
/// <param name="Structured">JSON text, when the tool gives some.</param>
/// <param name="Error">Why not.</param>
/// <param name="Duration">From the command to the result.</param>
/// <param name="Cost">What the session paid.</param>
/// <param name="Receipt">The payee's receipt, when something was paid.</param>
public sealed record InvocationResult(bool Ok, string Content, string? Structured, string? Error, TimeSpan Duration, Amount Cost, PaymentReceipt? Receipt);

/// <summary>A payee's word that a voucher counts.</summary>
/// <param name="ChannelId"><c>0x</c> and 64 hex digits.</param>
/// <param name="RequestId">The paid request.</param>
/// <param name="Accepted">The highest accepted cumulative amount.</param>
/// <param name="Spent">What of it is used.</param>
public sealed record PaymentReceipt(string ChannelId, string RequestId, Amount Accepted, Amount Spent);
