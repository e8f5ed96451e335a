using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Host.Demo;

/// <summary>A question whose answer can be checked.</summary>
/// <param name="Text">The question.</param>
/// <param name="Answer">What a right answer contains.</param>
internal sealed record Question(string Text, string Answer);

/// <summary>One try at a question: one session, one tool call, one recorded trajectory.</summary>
internal sealed record Attempt(Question Question, bool Solved, string Parameters, bool FromExperience, decimal Spent, double InvokeMs, string TrajectoryId);

/// <summary>
/// An agent with a small fixed policy and no model, so that what it gains comes from the network alone. It asks its
/// peer what is known about the task; with a successful exemplar it does as that did, else it calls the best tool that
/// it discovers with default parameters, and, if it may try again, with the other values that the tool's schema allows.
/// </summary>
internal sealed class DocsAgent(ChildPeer peer)
{
    public const string TaskType = "docs-question";
    private const double GoodReward = 0.7;
    private const string BudgetPerTry = "0.01";

    /// <summary>Tries until the question is solved or <paramref name="tries"/> are used up.</summary>
    public async Task<IReadOnlyList<Attempt>> SolveAsync(Question question, JsonNode tool, int tries, CancellationToken cancellationToken)
    {
        var context = await peer.Api.CallAsync("learning.context", new JsonObject { ["taskType"] = TaskType, ["input"] = question.Text }, cancellationToken);
        var learnt = FromExemplar(context!["exemplars"]!.AsArray(), question, tool);
        var plans = learnt is null ? FromSchema(question, tool) : [learnt];
        var attempts = new List<Attempt>();
        foreach (var parameters in plans.Take(tries))
        {
            attempts.Add(await TryAsync(question, tool, parameters, learnt is not null, cancellationToken));
            if (attempts[^1].Solved)
            {
                break;
            }
        }

        return attempts;
    }

    private async Task<Attempt> TryAsync(Question question, JsonNode tool, JsonObject parameters, bool fromExperience, CancellationToken cancellationToken)
    {
        var session = await peer.Api.CallAsync("state.begin", new JsonObject
        {
            ["agentId"] = "docs-agent",
            ["budget"] = new JsonObject { ["max"] = BudgetPerTry },
            ["context"] = new JsonObject { ["task"] = question.Text },
        }, cancellationToken);
        var sessionId = session!["id"]!.GetValue<string>();
        var result = await peer.Api.CallAsync("tool.invoke", new JsonObject
        {
            ["toolId"] = tool["id"]!.GetValue<string>(),
            ["params"] = parameters.DeepClone(),
            ["sessionId"] = sessionId,
        }, cancellationToken);
        var content = result!["content"]!.GetValue<string>();
        var solved = content.Contains(question.Answer, StringComparison.Ordinal);
        var ended = await peer.Api.CallAsync("state.end", new JsonObject { ["sessionId"] = sessionId, ["result"] = solved ? "solved" : "not solved" }, cancellationToken);
        var recorded = await peer.Api.CallAsync("selfImproving.recordTrajectory", new JsonObject
        {
            ["taskType"] = TaskType,
            ["input"] = question.Text,
            ["steps"] = ended!["trace"]!.DeepClone(),
            ["output"] = solved ? question.Answer : "no answer",
            ["reward"] = solved ? 1.0 : 0.0,
            ["sessionId"] = sessionId,
        }, cancellationToken);
        return new Attempt(
            question,
            solved,
            parameters.ToJsonString(),
            fromExperience,
            ended["budget"]!["spent"]!.GetValue<decimal>(),
            result["durationMs"]!.GetValue<double>(),
            recorded!["trajectoryId"]!.GetValue<string>());
    }

    /// <summary>The parameters of the best exemplar that used this tool, with its question replaced by this one.</summary>
    private static JsonObject? FromExemplar(JsonArray exemplars, Question question, JsonNode tool)
    {
        foreach (var exemplar in exemplars.Where(e => e!["reward"]!.GetValue<double>() >= GoodReward))
        {
            var step = exemplar!["steps"]!.AsArray().LastOrDefault(s => s!["ok"]!.GetValue<bool>() && s["name"]!.GetValue<string>() == tool["id"]!.GetValue<string>());
            if (step?["input"] is JsonObject used && exemplar["input"] is JsonValue asked)
            {
                return new JsonObject(used.Select(p => KeyValuePair.Create(p.Key, JsonNode.DeepEquals(p.Value, asked) ? JsonValue.Create(question.Text) : p.Value?.DeepClone())));
            }
        }

        return null;
    }

    /// <summary>The question for every required text, then each other value of each optional enumeration.</summary>
    private static IEnumerable<JsonObject> FromSchema(Question question, JsonNode tool)
    {
        var schema = tool["inputSchema"]!;
        var required = schema["required"]?.AsArray().Select(n => n!.GetValue<string>()).ToHashSet() ?? [];
        JsonObject Base() => new(required.Select(name => KeyValuePair.Create(name, (JsonNode?)JsonValue.Create(question.Text))));
        yield return Base();
        foreach (var (name, property) in schema["properties"]!.AsObject().Where(p => !required.Contains(p.Key)))
        {
            foreach (var value in (property!["enum"]?.AsArray() ?? []).Where(v => !JsonNode.DeepEquals(v, property["default"])))
            {
                var varied = Base();
                varied[name] = value!.DeepClone();
                yield return varied;
            }
        }
    }
}
