using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace matrix search|feedback|register|unregister</c>.</summary>
internal static class MatrixCommand
{
    public static Command Create() => new("matrix", "Search everything that peers offer, vote on what was found, and describe what this peer can.") { Search(), Feedback(), Register(), Unregister() };

    private static Command Search()
    {
        var query = new Argument<string>("QUERY") { Description = "What is to be done, in words." };
        var type = new Option<string[]>("--type") { Description = "tool, skill or agent; may be repeated.", DefaultValueFactory = _ => [] };
        var limit = new Option<int>("--limit") { Description = "At most so many.", DefaultValueFactory = _ => 10 };
        var command = new Command("search", "Find the tools, skills and agents that fit a task.") { query, type, limit };
        return command.Asks(
            (parsed, client, ct) => client.CallAsync("matrix.search", new JsonObject
            {
                ["query"] = parsed.GetValue(query),
                ["types"] = new JsonArray([.. parsed.GetValue(type)!.Select(t => (JsonNode?)t)]),
                ["limit"] = parsed.GetValue(limit),
            }, ct),
            result => Print.Table(result, ["id", "type", "score", "why"]));
    }

    private static Command Feedback()
    {
        var id = new Argument<string>("ID") { Description = "The capability, as search gives it." };
        var query = new Argument<string>("QUERY") { Description = "What was asked." };
        var vote = new Argument<string>("VOTE") { Description = "up or down." };
        vote.AcceptOnlyFromAmong("up", "down");
        var command = new Command("feedback", "Vote on a hit.") { id, query, vote };
        return command.Asks(
            (parsed, client, ct) => client.CallAsync("matrix.feedback", new JsonObject
            {
                ["id"] = parsed.GetValue(id),
                ["query"] = parsed.GetValue(query),
                ["vote"] = parsed.GetValue(vote) == "up" ? 1 : -1,
            }, ct),
            Print.Fields);
    }

    private static Command Register()
    {
        var (type, name) = (Type(), Name());
        var description = new Argument<string>("DESCRIPTION") { Description = "What it does or can, for agents." };
        var tag = new Option<string[]>("--tag") { Description = "A lower-case tag that it is found by; may be repeated.", DefaultValueFactory = _ => [] };
        var command = new Command("register", "Describe a skill or an agent of this peer to the network.") { type, name, description, tag };
        return command.Asks(
            (parsed, client, ct) => client.CallAsync("matrix.register", new JsonObject
            {
                ["type"] = parsed.GetValue(type),
                ["name"] = parsed.GetValue(name),
                ["description"] = parsed.GetValue(description),
                ["tags"] = new JsonArray([.. parsed.GetValue(tag)!.Select(t => (JsonNode?)t)]),
            }, ct),
            Print.Fields);
    }

    private static Command Unregister()
    {
        var (type, name) = (Type(), Name());
        return new Command("unregister", "Withdraw a skill or an agent of this peer.") { type, name }.Asks(
            (parsed, client, ct) => client.CallAsync("matrix.unregister", new JsonObject { ["type"] = parsed.GetValue(type), ["name"] = parsed.GetValue(name) }, ct),
            Print.Fields);
    }

    private static Argument<string> Type()
    {
        var type = new Argument<string>("TYPE") { Description = "skill or agent." };
        type.AcceptOnlyFromAmong("skill", "agent");
        return type;
    }

    private static Argument<string> Name() => new("NAME") { Description = "1 to 128 of A–Z a–z 0–9 _ . -" };
}
