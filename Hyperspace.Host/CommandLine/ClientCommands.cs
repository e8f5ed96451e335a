using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.CommandLine;

/// <summary>The verbs that talk to a running peer.</summary>
internal static class ClientCommands
{
    public static IEnumerable<Command> All() => [Status(), Peers(), Tools(), Discover(), Invoke(), FetchCommand.Create(), Session(), ChannelCommands.Channel(), PlaybookCommand.Create(), .. LearningCommands.All(), MatrixCommand.Create(), .. ReputationCommands.All()];

    private static Command Status() =>
        new Command("status", "Tell who the running peer is and how it does.")
            .Asks((_, client, ct) => client.CallAsync("node.info", null, ct), Print.Fields);

    private static Command Peers() =>
        new Command("peers", "List connected peers.")
            .Asks((_, client, ct) => client.CallAsync("node.peers", null, ct), result => Print.Table(result, ["peerId", "latencyMs", "agentVersion", "addresses"]));

    private static Command Tools() =>
        new Command("tools", "List the tools that this peer offers.")
            .Asks((_, client, ct) => client.CallAsync("tool.list", null, ct), result => Print.Table(result, ["name", "price", "currency", "capabilities", "description"]));

    private static Command Discover()
    {
        var query = new Argument<string?>("QUERY") { Description = "What is to be done, in words.", Arity = ArgumentArity.ZeroOrOne };
        var capability = new Option<string[]>("--capability") { Description = "A tag that must match; may be repeated.", DefaultValueFactory = _ => [] };
        var limit = new Option<int>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => 10 };
        var command = new Command("discover", "Find tools: local registry, then DHT, then gossip.") { query, capability, limit };
        return command.Asks(
            (parsed, client, ct) => client.CallAsync("tool.discover", new JsonObject
            {
                ["query"] = parsed.GetValue(query),
                ["capabilities"] = new JsonArray([.. parsed.GetValue(capability)!.Select(c => (JsonNode?)c)]),
                ["limit"] = parsed.GetValue(limit),
            }, ct),
            result => Print.Table(result, ["id", "price", "currency", "tier", "score", "description"]));
    }

    private static Command Invoke()
    {
        var tool = new Argument<string>("TOOL") { Description = "The tool's id, as discover gives it." };
        var parameters = new Argument<JsonObject>("JSON") { Description = "The tool's parameters, a JSON object.", CustomParser = ParseObject };
        var session = new Option<string?>("--session") { Description = "The session that pays; without it one is begun and ended around the call." };
        var budget = new Option<string>("--budget") { Description = "Budget of that session, in USDC.", DefaultValueFactory = _ => "0.1" };
        budget.Validators.Add(r => MustBeAmount(r, r.GetValueOrDefault<string>()));
        var timeout = new Option<int>("--timeout-ms") { Description = "Give up after so long.", DefaultValueFactory = _ => 30_000 };
        var command = new Command("invoke", "Run a tool, paying for it when it has a price.") { tool, parameters, session, budget, timeout };
        return command.Asks(
            (parsed, client, ct) => client.InSessionAsync(parsed.GetValue(session), parsed.GetValue(budget)!, id => client.CallAsync("tool.invoke", new JsonObject
            {
                ["toolId"] = parsed.GetValue(tool),
                ["params"] = parsed.GetValue(parameters),
                ["timeoutMs"] = parsed.GetValue(timeout),
                ["sessionId"] = id,
            }, ct), ct),
            result =>
            {
                if (result!["content"]!.GetValue<string>() is { Length: > 0 } content)
                {
                    Console.Out.WriteLine(content);
                }

                if (result["error"] is { } error)
                {
                    Console.Error.WriteLine(Print.OnOneLine(error.GetValue<string>()));
                }

                Console.Error.WriteLine($"{(IsOk(result) ? "ok" : "failed")} in {result["durationMs"]} ms for {result["cost"]}");
            },
            result => IsOk(result) ? 0 : 1);
    }

    private static Command Session()
    {
        var command = new Command("session", "Begin, look at and end sessions.");
        var budget = new Argument<string>("BUDGET") { Description = "What it may spend, as 5 or 0.25." };
        budget.Validators.Add(r => MustBeAmount(r, r.GetValueOrDefault<string>()));
        var currency = new Option<string>("--currency") { Description = "The budget's currency; USDC unless given.", DefaultValueFactory = _ => "USDC" };
        currency.Validators.Add(r =>
        {
            if (!Currency.TryParse(r.GetValueOrDefault<string>(), out _))
            {
                r.AddError("--currency: a currency code has 2 to 12 capital letters or digits, as USDC.");
            }
        });
        var agent = new Option<string?>("--agent") { Description = "Whose session it is." };
        command.Subcommands.Add(new Command("begin", "Begin a session with a budget.") { budget, currency, agent }.Asks(
            (parsed, client, ct) => client.CallAsync("state.begin", new JsonObject
            {
                ["agentId"] = parsed.GetValue(agent),
                ["budget"] = new JsonObject { ["max"] = parsed.GetValue(budget), ["currency"] = parsed.GetValue(currency) },
            }, ct),
            Print.Fields));
        var id = new Argument<string>("ID") { Description = "The session's id." };
        command.Subcommands.Add(new Command("get", "Show a session and its trace.") { id }.Asks(
            (parsed, client, ct) => client.CallAsync("state.get", new JsonObject { ["sessionId"] = parsed.GetValue(id) }, ct),
            PrintSession));
        command.Subcommands.Add(new Command("end", "End a session.") { id }.Asks(
            (parsed, client, ct) => client.CallAsync("state.end", new JsonObject { ["sessionId"] = parsed.GetValue(id) }, ct),
            PrintSession));
        return command;
    }

    private static void PrintSession(JsonNode? session)
    {
        var trace = session!["trace"];
        session.AsObject().Remove("trace");
        Print.Fields(session);
        Print.Table(trace, ["index", "kind", "name", "durationMs", "cost", "ok", "error"]);
    }

    private static bool IsOk(JsonNode? result) => result!["ok"]!.GetValue<bool>();

    /// <summary>Adds an error unless the text is an amount.</summary>
    internal static void MustBeAmount(SymbolResult result, string? text)
    {
        // What is wrong with an amount is the same in every currency.
        if (!Amount.TryParse(text, Currency.Usdc, out _, out var error))
        {
            result.AddError(error);
        }
    }

    private static JsonObject? ParseObject(ArgumentResult argument)
    {
        try
        {
            if (JsonNode.Parse(argument.Tokens[0].Value) is JsonObject parameters)
            {
                return parameters;
            }
        }
        catch (JsonException)
        {
            // Told below: where its reader stumbled says little about what the shell made of the quotes.
        }

        argument.AddError("The tool's parameters must be a JSON object, as '{\"query\":\"channels\"}'.");
        return null;
    }
}
