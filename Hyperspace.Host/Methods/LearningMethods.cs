using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>selfImproving.*</c> and <c>learning.*</c>.</summary>
internal static class LearningMethods
{
    private const int MaxSteps = 256;
    private static readonly ApiParam TaskType = new("taskType", "string", true, "1 to 64 of a–z 0–9 . _ -");

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("selfImproving.recordTrajectory", "Records a run and gossips it to every peer that follows the task type.",
            [
                TaskType,
                new("input", "any", false, "What was asked."),
                new("steps", "object[]", true, "What was done; a session's trace fits as it is."),
                new("output", "any", false, "What came out."),
                new("reward", "number", true, "0 to 1."),
                new("sessionId", "string", false, "The session it ran in."),
            ],
            "{trajectoryId}",
            async (p, _, ct) =>
            {
                var record = new TrajectoryCommands.Record(
                    TaskTypeOf(p),
                    p.OptionalTextOrJson("input"),
                    [.. p.Objects("steps", MaxSteps).Select(StepOf)],
                    p.OptionalTextOrJson("output"),
                    p.Number("reward", 0, 1),
                    p.OptionalString("sessionId", 128));
                var recorded = await actors.AskAsync<ActorKeys.Learning, TrajectoryRecorded>(record, cancellationToken: ct);
                return new JsonObject { ["trajectoryId"] = recorded.TrajectoryId };
            }),
        new("selfImproving.query", "The best known runs of a task type, nearest to the input first.",
            [TaskType, new("input", "any", false, "What is to be done."), Limit],
            "[{trajectoryId, peerId, reward, steps, recordedAt}]",
            async (p, _, ct) =>
            {
                var query = new TrajectoryCommands.Query(TaskTypeOf(p), p.OptionalTextOrJson("input"), LimitOf(p, 10));
                return Json.Array((await actors.AskAsync<ActorKeys.Learning, TrajectoryMatches>(query, cancellationToken: ct)).Trajectories, Json.Of);
            }),
        new("learning.reflect", "Adds what was learnt from a run to the playbook.",
            [
                new("execution", "any", true, "The run: a trajectory id, or what was done."),
                new("outcome", "\"success\"|\"failure\"", true, "How it ended."),
                new("insights", "string[]", true, "What was learnt, a sentence each."),
                new("taskType", "string", false, "\"general\" unless given."),
            ],
            "{bullets}",
            async (p, _, ct) =>
            {
                var success = p.String("outcome", 16) switch
                {
                    "success" => true,
                    "failure" => false,
                    _ => throw JsonRpcException.BadParams("'outcome' must be \"success\" or \"failure\"."),
                };
                var reflect = new TrajectoryCommands.Reflect(
                    p.OptionalString("taskType", 64) ?? "general",
                    p.OptionalTextOrJson("execution"),
                    success,
                    p.OptionalStrings("insights", 32, 2048) ?? throw JsonRpcException.BadParams("'insights' is missing; give an array of strings."));
                return new JsonObject { ["bullets"] = Json.Array((await actors.AskAsync<ActorKeys.Learning, BulletsReflected>(reflect, cancellationToken: ct)).Bullets, Json.Of) };
            }),
        new("learning.follow", "Follows a task type from now on, over restarts.",
            [TaskType],
            "{taskType}",
            async (p, _, ct) => new JsonObject { ["taskType"] = (await actors.AskAsync<ActorKeys.Learning, TaskTypeFollowed>(new TrajectoryCommands.Follow(TaskTypeOf(p)), cancellationToken: ct)).TaskType }),
        new("learning.playbook", "What is known about a task type.",
            [TaskType],
            "{bullets: [{id, section, text, helpful, harmful, score, sources, authors}]}",
            async (p, _, ct) => new JsonObject { ["bullets"] = Json.Array((await actors.AskAsync<ActorKeys.Learning, PlaybookView>(new TrajectoryCommands.GetPlaybook(TaskTypeOf(p)), cancellationToken: ct)).Bullets, Json.Of) }),
        new("learning.context", "What the next run should know; follows the task type.",
            [TaskType, new("input", "any", false, "What is to be done."), Limit],
            "{bullets, exemplars}",
            async (p, _, ct) =>
            {
                var context = await actors.AskAsync<ActorKeys.Learning, LearningContext>(new TrajectoryCommands.GetContext(TaskTypeOf(p), p.OptionalTextOrJson("input"), LimitOf(p, 8)), cancellationToken: ct);
                return new JsonObject { ["bullets"] = Json.Array(context.Bullets, Json.Of), ["exemplars"] = Json.Array(context.Exemplars, Json.Of) };
            }),
    ];

    private static ApiParam Limit => new("limit", "integer", false, "1 to 100.");

    private static int LimitOf(Params p, int fallback) => p.OptionalInt("limit", fallback, 1, 100);

    private static string TaskTypeOf(Params p) => p.String("taskType", 64);

    private static TrajectoryStepView StepOf(Params step)
    {
        var currency = step.OptionalCurrency("currency");
        return new TrajectoryStepView(
            step.OptionalString("kind", 64) ?? "tool",
            step.OptionalString("name", 256) ?? step.OptionalString("tool", 256) ?? throw JsonRpcException.BadParams("Each step has a 'name': the tool's id or what was done."),
            step.OptionalString("thought"),
            step.OptionalTextOrJson("input"),
            step.OptionalTextOrJson("output") ?? step.OptionalTextOrJson("observation"),
            step.OptionalAmount("cost", currency) ?? Contracts.Money.Amount.Zero(currency),
            TimeSpan.FromMilliseconds(step.OptionalNumber("durationMs", 0, 86_400_000) ?? 0),
            step.OptionalBool("ok", true),
            step.OptionalString("error"));
    }
}
