using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary>The verbs of <c>selfImproving.*</c> and <c>learning.*</c>, but for <c>playbook</c>.</summary>
internal static class LearningCommands
{
    public static IEnumerable<Command> All() => [Follow(), Trajectories(), Trajectory(), Curriculum(), Context(), Record(), Reflect()];

    private static Argument<string> TaskType() => new("TASKTYPE") { Description = "As docs-question." };

    private static Option<int> Limit(int fallback) => new("--limit") { Description = "At most so many.", DefaultValueFactory = _ => fallback };

    private static Command Follow()
    {
        var taskType = TaskType();
        return new Command("follow", "Follow a task type from now on: what peers learn of it comes here.") { taskType }.Asks(
            (parsed, client, ct) => client.CallAsync("learning.follow", new JsonObject { ["taskType"] = parsed.GetValue(taskType) }, ct),
            Print.Fields);
    }

    private static Command Trajectories()
    {
        var taskType = TaskType();
        var input = new Option<string?>("--input") { Description = "What is to be done: the nearest runs come first." };
        var limit = Limit(20);
        return new Command("trajectories", "Show the best known runs of a task type.") { taskType, input, limit }.Asks(
            (parsed, client, ct) => client.CallAsync("selfImproving.query", new JsonObject { ["taskType"] = parsed.GetValue(taskType), ["input"] = parsed.GetValue(input), ["limit"] = parsed.GetValue(limit) }, ct),
            result => Print.Table(result, ["trajectoryId", "peerId", "reward", "recordedAt", "input"]));
    }

    private static Command Trajectory()
    {
        var taskType = TaskType();
        var id = new Argument<string>("ID") { Description = "As trajectories gives it." };
        var full = new Option<bool>("--full") { Description = "Fetch what is shortened from its author or a neighbour." };
        return new Command("trajectory", "Show one run with its steps.") { taskType, id, full }.Asks(
            (parsed, client, ct) => client.CallAsync("selfImproving.get", new JsonObject { ["taskType"] = parsed.GetValue(taskType), ["trajectoryId"] = parsed.GetValue(id), ["full"] = parsed.GetValue(full) }, ct),
            PrintRun);
    }

    private static Command Curriculum()
    {
        var taskType = TaskType();
        var limit = Limit(10);
        return new Command("curriculum", "Show what is worth practising next: goals that go well sometimes.") { taskType, limit }.Asks(
            (parsed, client, ct) => client.CallAsync("selfImproving.curriculum", new JsonObject { ["taskType"] = parsed.GetValue(taskType), ["limit"] = parsed.GetValue(limit) }, ct),
            result => Print.Table(result, ["input", "successRate", "attempts", "value", "why", "failed"]));
    }

    private static Command Context()
    {
        var taskType = TaskType();
        var input = new Argument<string?>("INPUT") { Description = "What is to be done.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit") { Description = "At most so many bullets.", DefaultValueFactory = _ => 8 };
        var tokens = new Option<int?>("--tokens") { Description = "At most so many tokens (o200k); unbounded unless given." };
        var session = new Option<string?>("--session") { Description = "The session that the run will be recorded with." };
        return new Command("context", "Show what the next run should know; record it with the contextId.") { taskType, input, limit, tokens, session }.Asks(
            (parsed, client, ct) => client.CallAsync("learning.context", new JsonObject
            {
                ["taskType"] = parsed.GetValue(taskType),
                ["input"] = parsed.GetValue(input),
                ["limit"] = parsed.GetValue(limit),
                ["tokenBudget"] = parsed.GetValue(tokens),
                ["sessionId"] = parsed.GetValue(session),
            }, ct),
            result => Console.Out.WriteLine(ContextText(result!.AsObject())));
    }

    private static Command Record()
    {
        var run = new Argument<JsonObject>("JSON") { Description = "The run, as selfImproving.recordTrajectory takes it; - reads it from standard input.", CustomParser = ParseRun };
        var dryRun = new Option<bool>("--dry-run") { Description = "Record nothing; show what would leave this peer." };
        return new Command("record", "Record a run: it is signed and goes to every peer that follows its task type.") { run, dryRun }.Asks(
            (parsed, client, ct) => client.CallAsync(parsed.GetValue(dryRun) ? "selfImproving.preview" : "selfImproving.recordTrajectory", parsed.GetValue(run), ct),
            result =>
            {
                if (result!["run"] is not { } shared)
                {
                    Print.Fields(result);
                    return;
                }

                PrintRun(shared);
                Print.Table(result["replacements"], ["field", "kind", "count"]);
                Console.Out.WriteLine($"{result["bytes"]} bytes would leave{(result["bodyByHash"]!.GetValue<bool>() ? ", the whole of it only to who fetches it by its hash" : "")}; nothing was recorded.");
            });
    }

    private static Command Reflect()
    {
        var taskType = TaskType();
        var outcome = new Argument<string>("OUTCOME") { Description = "success or failure." };
        outcome.AcceptOnlyFromAmong("success", "failure");
        var insights = new Argument<string[]>("INSIGHT") { Description = "What was learnt, a sentence each.", Arity = ArgumentArity.OneOrMore };
        var run = new Option<string?>("--run") { Description = "The run's trajectory id." };
        return new Command("reflect", "Add what was learnt from a run to the playbook.") { taskType, outcome, insights, run }.Asks(
            (parsed, client, ct) => client.CallAsync("learning.reflect", new JsonObject
            {
                ["taskType"] = parsed.GetValue(taskType),
                ["execution"] = parsed.GetValue(run),
                ["outcome"] = parsed.GetValue(outcome),
                ["insights"] = new JsonArray([.. parsed.GetValue(insights)!.Select(insight => (JsonNode?)insight)]),
            }, ct),
            result => Console.Out.WriteLine(PlaybookCommand.Text(result!["bullets"]!.AsArray())));
    }

    private static void PrintRun(JsonNode? run)
    {
        var steps = run!["steps"];
        run.AsObject().Remove("steps");
        Print.Fields(run);
        Print.Table(steps, ["kind", "name", "input", "output", "durationMs", "cost", "ok", "error"]);
    }

    /// <summary>
    /// A line for each bullet, best first and in the form whose tokens were counted, then each exemplar as input, steps and output; pure.
    /// A model can read it as well as a person.
    /// </summary>
    internal static string ContextText(JsonObject context)
    {
        var (bullets, exemplars) = (context["bullets"]!.AsArray(), context["exemplars"]!.AsArray());
        var text = new StringBuilder(bullets.Count + exemplars.Count == 0 ? PlaybookCommand.Nothing + Environment.NewLine : "");
        foreach (var bullet in bullets)
        {
            text.AppendLine($"- {Line(bullet!["text"])}");
        }

        foreach (var run in exemplars)
        {
            text.AppendLine().AppendLine($"## {Line(run!["input"])}");
            foreach (var step in run["steps"]!.AsArray())
            {
                text.AppendLine($"{Line(step!["name"])} {Line(step["input"])} → {Line(step["output"] ?? step["error"])}");
            }

            text.AppendLine($"= {Line(run["output"])} (reward {run["reward"]})");
        }

        return text.AppendLine().Append($"contextId {context["contextId"]}, {context["tokens"]} tokens").ToString();
    }

    private static string Line(JsonNode? value) => value switch
    {
        null => "",
        JsonValue scalar when scalar.TryGetValue<string>(out var text) => Print.OnOneLine(text),
        _ => Print.OnOneLine(value.ToJsonString(JsonText.Plain)),
    };

    private static JsonObject? ParseRun(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        try
        {
            if (JsonNode.Parse(text == "-" ? Console.In.ReadToEnd() : text) is JsonObject run)
            {
                return run;
            }
        }
        catch (JsonException)
        {
            // Told below: where its reader stumbled says little about what the shell made of the quotes.
        }

        argument.AddError("The run must be a JSON object, as '{\"taskType\":\"greeting\",\"steps\":[{\"name\":\"echo\"}],\"reward\":1}'.");
        return null;
    }
}
