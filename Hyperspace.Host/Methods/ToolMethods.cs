using System.Text;
using System.Text.Json.Nodes;
using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Tools;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>tool.*</c> and <c>bridge.*</c>.</summary>
internal static class ToolMethods
{
    private const int MaxTimeoutMs = 600_000;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private const int MaxGatheredCharacters = 1024 * 1024;
    private const int DefaultTokensAhead = 64;

    public static IEnumerable<ApiMethod> All(PeerActors actors, ActorSystem system) =>
    [
        new("tool.register", "Offers a tool to the network.",
            [
                new("name", "string", true, "1 to 128 of A–Z a–z 0–9 _ . -"),
                new("description", "string", true, "What it does, for agents."),
                new("capabilities", "string[]", true, "Lower-case tags it is found by."),
                new("inputSchema", "object", true, "JSON Schema of its parameters."),
                new("price", "amount", false, "Per call, or per perTokens tokens; free unless given."),
                new("currency", "string", false, "USDC unless given."),
                new("perTokens", "integer", false, "The tool streams, and so many tokens cost the price; 0, unless given: it answers in one piece."),
                new("provider", "{type: \"builtin\"|\"http\", …}", true, "builtin: {tool: \"docs-search\"|\"docs-read\"|\"fetch-page\", folder?, allowPrivate?}; fetch-page reads pages of private networks only with allowPrivate: true. http: {url}."),
            ],
            "{toolId}",
            async (p, _, ct) =>
            {
                var provider = p.Object("provider");
                var definition = new ToolDefinition(
                    p.String("name", 128),
                    p.String("description", 8192),
                    p.OptionalStrings("capabilities", 32, 128) ?? [],
                    p.ObjectJson("inputSchema"),
                    PriceOf(p),
                    p.OptionalInt("perTokens", 0, 0, ToolDefinition.MaxPerTokens));
                var command = new ToolCommands.Register(definition, new ToolProvider(provider.String("type", 32), p.ObjectJson("provider")));
                var registered = await actors.AskAsync<ActorKeys.Tools, ToolRegistered>(command, cancellationToken: ct);
                return new JsonObject { ["toolId"] = registered.ToolId };
            }),
        new("tool.unregister", "Withdraws a tool of this peer.",
            [new("name", "string", true, "The tool's name.")],
            "{toolId}",
            async (p, _, ct) => new JsonObject { ["toolId"] = (await actors.AskAsync<ActorKeys.Tools, ToolRegistered>(new ToolCommands.Unregister(p.String("name", 128)), cancellationToken: ct)).ToolId }),
        new("tool.list", "The tools that this peer offers.", [], "[tool]",
            async (_, _, ct) => Json.Array((await actors.AskAsync<ActorKeys.Tools, ToolList>(new ToolCommands.List(), cancellationToken: ct)).Tools, Json.Of)),
        new("tool.discover", "Finds tools: local registry, then DHT, then gossip.",
            [
                new("query", "string", false, "What is to be done, in words."),
                new("capabilities", "string[]", false, "Tags, all of which must match."),
                new("minReputation", "number", false, "0 to 1; peers nobody has rated yet pass."),
                new("maxPrice", "amount", false, "Per call."),
                new("limit", "integer", false, "1 to 100; 10 unless given."),
                new("timeoutMs", "integer", false, "For all tiers together; 3000 unless given."),
            ],
            "[{id, name, description, capabilities, inputSchema, price, perTokens, currency, provider, reputation, score, tier}]",
            async (p, _, ct) =>
            {
                var timeout = TimeSpan.FromMilliseconds(p.OptionalInt("timeoutMs", 3000, 1, 60_000));
                var discover = new ToolCommands.Discover(
                    p.OptionalString("query", 2048),
                    p.OptionalStrings("capabilities", 32, 128) ?? [],
                    p.OptionalNumber("minReputation", 0, 1),
                    p.OptionalAmount("maxPrice", p.OptionalCurrency("currency")),
                    p.OptionalInt("limit", 10, 1, 100),
                    timeout);
                var result = await actors.AskAsync<ActorKeys.Tools, DiscoveryResult>(discover, timeout + Grace, ct);
                return Json.Array(result.Tools, Json.Of);
            }),
        new("tool.invoke", "Runs a tool, here or at its provider, inside the session's budget; pays when asked.",
            [
                new("toolId", "string", true, "As tool.discover gives it."),
                new("params", "object", true, "What the tool's inputSchema asks for."),
                StateMethods.SessionId,
                new("timeoutMs", "integer", false, "30000 unless given."),
            ],
            "{ok, content, structured, error, durationMs, cost, receipt, score: the result's own score from 0 to 1, if it has one, else 1 or 0 as it is ok or not}",
            async (p, _, ct) =>
            {
                var timeout = TimeSpan.FromMilliseconds(p.OptionalInt("timeoutMs", 30_000, 1, MaxTimeoutMs));
                var invoke = new ToolCommands.Invoke(p.String("toolId", 256), p.ObjectJson("params"), StateMethods.IdOf(p), timeout);
                return Json.Of(await actors.AskAsync<ActorKeys.Tools, InvocationResult>(invoke, timeout + Grace, ct));
            }),
        new("tool.stream", "Runs a tool that streams, here or at its provider, and pays by the token ahead of what comes, inside the session's budget. Over /ws the tokens come as notifications tool.tokens {streamId, texts, total, cost}; over HTTP they are gathered into content, up to 1 MiB. A client that reads too slowly ends its stream.",
            [
                new("toolId", "string", true, "As tool.discover gives it."),
                new("params", "object", true, "What the tool's inputSchema asks for."),
                StateMethods.SessionId,
                new("maxCost", "amount", true, "What the stream may cost; set aside until it ends."),
                new("streamId", "string", false, "Comes back with the notifications."),
                new("tokensAhead", "integer", false, $"Tokens paid ahead of what has come, 1 to {10_000}; {DefaultTokensAhead} unless given. It is what a provider could keep without delivering."),
                new("tokensPerVoucher", "integer", false, "Tokens for which a voucher is signed; half of tokensAhead unless given."),
                new("timeoutMs", "integer", false, "For the whole stream; 600000 unless given."),
            ],
            "{ok, content?, error, durationMs, cost, tokens, receipt}",
            async (p, client, ct) => await StreamAsync(p, client, actors, system, ct)),
        new("bridge.registerMCPServer", "Offers the tools of an MCP server to the network. Without `tools` every tool of the server is offered to the whole network, also those that write or delete: name the ones that others may run.",
            [
                new("url", "string", true, "stdio://COMMAND or http(s)://…"),
                new("args", "string[]", false, "Arguments of the command."),
                new("env", "{name: value}", false, "Environment of the command, besides PATH, HOME, LANG and TMPDIR."),
                new("tools", "string[]", false, "Only these of its tools; all of them unless given."),
                new("price", "amount", false, "Per call of each."),
                new("capabilities", "string[]", false, "Tags of each."),
            ],
            "{toolIds, skipped}",
            async (p, _, ct) =>
            {
                var command = new ToolCommands.RegisterMcpServer(
                    p.String("url", 4096),
                    p.OptionalStrings("args") ?? [],
                    p.StringMap("env"),
                    p.OptionalStrings("tools", 1024, 128),
                    PriceOf(p),
                    p.OptionalStrings("capabilities", 32, 128) ?? []);
                var registered = await actors.AskAsync<ActorKeys.Tools, McpServerRegistered>(command, TimeSpan.FromSeconds(90), ct);
                return new JsonObject { ["toolIds"] = Json.Array(registered.ToolIds), ["skipped"] = Json.Array(registered.Skipped) };
            }),
    ];

    private static async Task<JsonNode?> StreamAsync(Params p, INotifications? client, PeerActors actors, ActorSystem system, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(p.OptionalInt("timeoutMs", MaxTimeoutMs, 1, MaxTimeoutMs));
        var ahead = p.OptionalInt("tokensAhead", DefaultTokensAhead, 1, 10_000);
        var session = await actors.AskAsync<ActorKeys.Sessions, SessionView>(new SessionCommands.Get(StateMethods.IdOf(p)), cancellationToken: cancellationToken);
        var stream = new ToolCommands.Stream(
            p.String("toolId", 256), p.ObjectJson("params"), session.Id, p.Amount("maxCost", session.Budget.Max.Currency), ahead, p.OptionalInt("tokensPerVoucher", Math.Max(1, ahead / 2), 1, ahead), timeout);
        var (streamId, text, total) = (p.OptionalString("streamId", 256), new StringBuilder(), 0L);
        var ended = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var tools = await actors.GetAsync<ActorKeys.Tools>(cancellationToken);
        Func<StreamedTokens, bool> take = Take;
        var receiver = system.ActorOf(Props.Create(() => new StreamReceiverActor(tools, stream, take, ended)));
        try
        {
            return await ended.Task.WaitAsync(timeout + Grace, cancellationToken) switch
            {
                InvocationResult result => new JsonObject
                {
                    ["ok"] = result.Ok,
                    ["content"] = client is null ? text.ToString() : null,
                    ["error"] = result.Error,
                    ["durationMs"] = result.Duration.TotalMilliseconds,
                    ["cost"] = Json.Of(result.Cost),
                    ["tokens"] = total,
                    ["receipt"] = Json.Of(result.Receipt),
                },
                Refusal refusal => throw JsonRpcException.Refused(refusal),
                var other => throw new InvalidOperationException($"A stream does not end with {other.GetType().Name}."),
            };
        }
        finally
        {
            system.Stop(receiver);
        }

        // What was paid for must not be dropped: a client that reads too slowly ends its stream.
        bool Take(StreamedTokens tokens)
        {
            total = tokens.Total;
            if (client is not null)
            {
                return client.TryNotify("tool.tokens", new JsonObject { ["streamId"] = streamId, ["texts"] = Json.Array(tokens.Texts), ["total"] = tokens.Total, ["cost"] = Json.Of(tokens.Cost) });
            }

            text.AppendJoin("", tokens.Texts);
            return text.Length <= MaxGatheredCharacters;
        }
    }

    private static Amount PriceOf(Params p)
    {
        var currency = p.OptionalCurrency("currency");
        return p.OptionalAmount("price", currency) ?? Amount.Zero(currency);
    }
}
