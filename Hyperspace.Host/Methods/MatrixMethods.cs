using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Tools;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>matrix.*</c>: search over every capability that this peer knows, and votes on what it found.</summary>
internal static class MatrixMethods
{
    private const int MaxQuery = 2048;
    private const int MaxId = 256;

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("matrix.search", "Finds the tools, skills and agents that fit a task, over everything this peer knows: by their words, their spelling, and how they have served such tasks everywhere.",
            [
                new("query", "string", true, "What is to be done, in words."),
                new("types", "string[]", false, "\"tool\", \"skill\", \"agent\"; all unless given."),
                new("limit", "integer", false, "1 to 100; 10 unless given."),
            ],
            "[{id, name, type, score, why, description, tags, provider, query}]",
            async (p, _, ct) =>
            {
                var query = p.String("query", MaxQuery);
                var search = new MatrixCommands.Search(query, p.OptionalStrings("types", 3, 16) ?? [], p.OptionalInt("limit", 10, 1, 100));
                return Json.Array((await actors.AskAsync<ActorKeys.Matrix, MatrixHits>(search, cancellationToken: ct)).Hits, hit => Of(hit, query));
            }),
        new("matrix.register", "Describes a skill or an agent of this peer to the network, so that it is found.",
            [
                new("type", "\"skill\"|\"agent\"", true, "What it is; tools are registered with tool.register."),
                new("name", "string", true, "1 to 128 of A–Z a–z 0–9 _ . -"),
                new("description", "string", true, "What it does or can, for agents."),
                new("tags", "string[]", false, "Lower-case tags it is found by."),
            ],
            "{id}",
            async (p, _, ct) =>
            {
                var describe = new ToolCommands.Describe(p.String("type", 16), p.String("name", 128), p.String("description", 8192), p.OptionalStrings("tags", 32, 128) ?? []);
                return new JsonObject { ["id"] = (await actors.AskAsync<ActorKeys.Tools, ToolRegistered>(describe, cancellationToken: ct)).ToolId };
            }),
        new("matrix.unregister", "Withdraws a skill or an agent of this peer.",
            [new("type", "\"skill\"|\"agent\"", true, "What it is."), new("name", "string", true, "Its name.")],
            "{id}",
            async (p, _, ct) => new JsonObject { ["id"] = (await actors.AskAsync<ActorKeys.Tools, ToolRegistered>(new ToolCommands.Withdraw(p.String("type", 16), p.String("name", 128)), cancellationToken: ct)).ToolId }),
        new("matrix.feedback", "Votes on what a search found; the vote goes to every peer and changes the ranking here and there.",
            [
                new("id", "string", false, "The capability, as matrix.search gives it; or give result."),
                new("query", "string", false, "What was asked; not needed with result."),
                new("result", "object", false, "A whole result of matrix.search, in place of id and query."),
                new("vote", "1|-1", true, "1: it was useful; -1: it was not."),
            ],
            "{outcomes}",
            async (p, _, ct) =>
            {
                var of = p.OptionalObject("result") ?? p;
                var vote = p.OptionalInt("vote", 0, -1, 1);
                var feedback = new MatrixCommands.Feedback(of.String("id", MaxId), p.OptionalString("query", MaxQuery) ?? of.String("query", MaxQuery), vote);
                return new JsonObject { ["outcomes"] = (await actors.AskAsync<ActorKeys.Matrix, MatrixVoteTaken>(feedback, cancellationToken: ct)).Outcomes };
            }),
    ];

    private static JsonObject Of(MatrixHit hit, string query) => new()
    {
        ["id"] = hit.Capability.Id,
        ["name"] = hit.Capability.Name,
        ["type"] = hit.Capability.Type,
        ["score"] = Math.Round(hit.Score, 4),
        ["why"] = hit.Why,
        ["description"] = hit.Capability.Description,
        ["tags"] = Json.Array(hit.Capability.Tags),
        ["provider"] = hit.Capability.PeerId,
        ["query"] = query,
    };
}
