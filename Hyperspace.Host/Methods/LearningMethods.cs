using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>selfImproving.*</c> and <c>learning.*</c>.</summary>
internal static class LearningMethods
{
    private const int MaxSteps = 256;
    private const string Run = "trajectoryId, peerId, taskType, input, steps, output, reward, recordedAt, repairs, tries, successes, bodyBytes";

    // The author and three neighbours, five seconds each, and the way.
    private static readonly TimeSpan GetPatience = TimeSpan.FromSeconds(25);
    private static readonly ApiParam TaskType = new("taskType", "string", true, "1 to 64 of a–z 0–9 . _ -");

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("selfImproving.recordTrajectory", "Records a run and gossips it to every peer that follows the task type.",
            RunParams,
            "{trajectoryId}",
            async (p, _, ct) => new JsonObject { ["trajectoryId"] = (await actors.AskAsync<ActorKeys.Learning, TrajectoryRecorded>(RunOf(p), cancellationToken: ct)).TrajectoryId }),
        new("selfImproving.preview", "What recording a run would share: the run without its secrets, and what was taken out. Records nothing.",
            RunParams,
            "{run, replacements: [{field, kind, count}], bytes, bodyByHash}",
            async (p, _, ct) =>
            {
                var preview = await actors.AskAsync<ActorKeys.Learning, TrajectoryPreview>(new TrajectoryCommands.Preview(RunOf(p)), cancellationToken: ct);
                var run = Json.Of(preview.Run);
                run.Remove("trajectoryId");
                return new JsonObject
                {
                    ["run"] = run,
                    ["replacements"] = Json.Array(preview.Replacements, replacement => new JsonObject { ["field"] = replacement.Field, ["kind"] = replacement.Kind, ["count"] = replacement.Count }),
                    ["bytes"] = preview.Bytes,
                    ["bodyByHash"] = preview.BodyByHash,
                };
            }),
        new("selfImproving.curriculum", "What is worth practising next: goals that go well sometimes, the most worth first.",
            [TaskType, Limit(10)],
            "[{goal, input, successRate, attempts, value, why, failed: the trajectoryId of a failed run to repair}]",
            async (p, _, ct) =>
            {
                var curriculum = await actors.AskAsync<ActorKeys.Learning, CurriculumView>(new TrajectoryCommands.Curriculum(TaskTypeOf(p), LimitOf(p, 10)), cancellationToken: ct);
                return Json.Array(curriculum.Goals, goal => new JsonObject
                {
                    ["goal"] = goal.Goal,
                    ["input"] = goal.Input,
                    ["successRate"] = goal.SuccessRate,
                    ["attempts"] = goal.Attempts,
                    ["value"] = goal.Value,
                    ["why"] = goal.Why,
                    ["failed"] = goal.Failed,
                });
            }),
        new("selfImproving.query", "The best known runs of a task type, nearest to the input first.",
            [TaskType, new("input", "any", false, "What is to be done."), Limit(10)],
            $"[{{{Run}}}]",
            async (p, _, ct) =>
            {
                var query = new TrajectoryCommands.Query(TaskTypeOf(p), p.OptionalTextOrJson("input"), LimitOf(p, 10));
                return Json.Array((await actors.AskAsync<ActorKeys.Learning, TrajectoryMatches>(query, cancellationToken: ct)).Trajectories, Json.Of);
            }),
        new("selfImproving.get", "One known run; when its record is shortened and full is true, the whole of it, from its author or a neighbour.",
            [TaskType, new("trajectoryId", "string", true, "64 lower-case hex digits."), new("full", "boolean", false, "Fetch what is shortened; false unless given.")],
            $"{{{Run}, full: false when texts are shortened}}",
            async (p, _, ct) =>
            {
                var found = await actors.AskAsync<ActorKeys.Learning, TrajectoryFound>(
                    new TrajectoryCommands.Get(TaskTypeOf(p), p.String("trajectoryId", 64), p.OptionalBool("full", false)), GetPatience, ct);
                var run = Json.Of(found.Run);
                run["full"] = found.Full;
                return run;
            }),
        new("learning.reflect", "Adds what was learnt from a run to the playbook.",
            [
                new("execution", "any", false, "The run: a trajectory id, or what was done."),
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
        new("learning.context", "What the next run should know; follows the task type. Give contextId when the run is recorded, so that what helped is credited.",
            [
                TaskType,
                new("input", "any", false, "What is to be done."),
                new("limit", "integer", false, "Most bullets, 1 to 100; 8 unless given. Exemplars are at most 3, with a tokenBudget 8."),
                new("tokenBudget", "integer", false, "Most tokens (o200k) of the texts, 1 to 1000000; unbounded unless given."),
                new("sessionId", "string", false, "The session that the run will be recorded with."),
            ],
            "{bullets, exemplars, contextId, tokens}",
            async (p, _, ct) =>
            {
                var question = new TrajectoryCommands.GetContext(TaskTypeOf(p), p.OptionalTextOrJson("input"), LimitOf(p, 8))
                {
                    TokenBudget = p.OptionalInt("tokenBudget", 0, 1, 1_000_000) is > 0 and var budget ? budget : null,
                    SessionId = p.OptionalString("sessionId", 128),
                };
                var context = await actors.AskAsync<ActorKeys.Learning, LearningContext>(question, cancellationToken: ct);
                return new JsonObject
                {
                    ["bullets"] = Json.Array(context.Bullets, Json.Of),
                    ["exemplars"] = Json.Array(context.Exemplars, Json.Of),
                    ["contextId"] = context.ContextId,
                    ["tokens"] = context.Tokens,
                };
            }),
    ];

    private static ApiParam Limit(int fallback) => new("limit", "integer", false, $"1 to 100; {fallback} unless given.");

    private static int LimitOf(Params p, int fallback) => p.OptionalInt("limit", fallback, 1, 100);

    private static string TaskTypeOf(Params p) => p.String("taskType", 64);

    private static ApiParam[] RunParams =>
    [
        TaskType,
        new("input", "any", false, "What was asked."),
        new("steps", "object[]", true, $"What was done, 1 to {MaxSteps}; a session's trace fits as it is. Each has name (or tool), and may have kind (\"tool\"), thought, input, output (or observation), cost, currency, durationMs, ok (true), error. A text has at most 16 KiB, the run 256 KiB."),
        new("output", "any", false, "What came out."),
        new("reward", "number", true, "0 to 1."),
        new("sessionId", "string", false, "The session it ran in; stays on this peer."),
        new("contextId", "string", false, "What learning.context handed out for it: credited with the outcome, once; stays on this peer."),
        new("repairs", "string", false, "The trajectory id of the failed run of the same input that it repairs."),
    ];

    private static TrajectoryCommands.Record RunOf(Params p) => new(
        TaskTypeOf(p),
        p.OptionalTextOrJson("input"),
        [.. p.Objects("steps", MaxSteps).Select(StepOf)],
        p.OptionalTextOrJson("output"),
        p.Number("reward", 0, 1),
        p.OptionalString("sessionId", 128))
    {
        ContextId = p.OptionalString("contextId", 64),
        Repairs = p.OptionalString("repairs", 64),
    };

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
