using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.State;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>state.*</c> and <c>guard.*</c>.</summary>
internal static class StateMethods
{
    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("state.begin", "Begins a session with a budget.",
            [
                new("agentId", "string", false, "Whose session it is."),
                new("budget", "{max: amount, currency?: string}", true, "What the session may spend in all; USDC unless told."),
                new("context", "any", false, "Free JSON that comes back with the session."),
            ],
            "{id, status, budget: {max, spent, reserved, remaining, currency}, startedAt}",
            async (p, _, ct) =>
            {
                var budget = p.Object("budget");
                var max = budget.Amount("max", budget.OptionalCurrency("currency"));
                var begin = new SessionCommands.Begin($"ses_{Guid.CreateVersion7():N}", p.OptionalString("agentId", 256), max, p.OptionalTextOrJson("context"));
                return Json.Of(await actors.AskAsync<ActorKeys.Sessions, SessionView>(begin, cancellationToken: ct), withTrace: false);
            }),
        new("state.get", "A session with its trace.",
            [SessionId],
            "{id, status, budget, startedAt, endedAt, context, result, trace: [{index, kind, name, startedAt, durationMs, cost, ok, error, input, output}]}",
            async (p, _, ct) => Json.Of(await actors.AskAsync<ActorKeys.Sessions, SessionView>(new SessionCommands.Get(IdOf(p)), cancellationToken: ct), withTrace: true)),
        new("state.end", "Ends a session; again is the same.",
            [SessionId, new("result", "any", false, "What came of it.")],
            "the ended session with its trace",
            async (p, _, ct) => Json.Of(await actors.AskAsync<ActorKeys.Sessions, SessionView>(new SessionCommands.End(IdOf(p), p.OptionalTextOrJson("result")), cancellationToken: ct), withTrace: true)),
        new("guard.check", "Would an operation of that cost be allowed now? Sets nothing aside.",
            [SessionId, new("operation", "string", true, "What is to be done, as inference.request."), new("estimatedCost", "amount", true, "What it may cost, in the session's currency.")],
            "{allowed, reason, remaining}",
            async (p, _, ct) =>
            {
                var sessionId = IdOf(p);
                var operation = p.String("operation", 256);
                var session = await actors.AskAsync<ActorKeys.Sessions, SessionView>(new SessionCommands.Get(sessionId), cancellationToken: ct);
                var cost = p.Amount("estimatedCost", session.Budget.Max.Currency);
                var verdict = await actors.AskAsync<ActorKeys.Sessions, GuardVerdict>(new SessionCommands.Check(sessionId, operation, cost), cancellationToken: ct);
                return new JsonObject
                {
                    ["allowed"] = verdict.Allowed,
                    ["code"] = verdict.Code,
                    ["reason"] = verdict.Reason,
                    ["remaining"] = Json.Of(verdict.Remaining),
                };
            }),
    ];

    public static ApiParam SessionId { get; } = new("sessionId", "string", true, "The session's id.");

    public static string IdOf(Params p) => p.String("sessionId", 128);
}
