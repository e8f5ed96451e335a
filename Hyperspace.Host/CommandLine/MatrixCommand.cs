using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace matrix search|feedback</c>.</summary>
internal static class MatrixCommand
{
    public static Command Create() => new("matrix", "Search everything that peers offer, and vote on what was found.") { Search(), Feedback() };

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
}
