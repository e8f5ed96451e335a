using System.Text.Json.Nodes;

namespace Hyperspace.Tests.Loop;

/// <summary>The samples that the project was announced with, call by call: method names, parameters, and the fields of the answers that they use.</summary>
public sealed class SamplesTests : IAsyncLifetime
{
    private PaidPair _pair = null!;

    public async Task InitializeAsync() => _pair = await PaidPair.StartAsync();

    public async Task DisposeAsync() => await _pair.DisposeAsync();

    [Fact]
    public async Task Discover_run_learn_gossip()
    {
        await OfferAsync(_pair.Payee, "web-research", "Researches the web.", "web-research", """{"query":{"type":"string"}}""");
        await OfferAsync(_pair.Payee, "code-review", "Reviews code.", "code-review", """{"repo":{"type":"string"},"pr":{"type":"integer"}}""");
        await CallAsync(_pair.Payee, "learning.follow", """{"taskType":"code-review"}""");

        // const tools = await hyperspace.tool.discover({ query, minReputation })
        var tools = await FoundAsync("tool.discover", """{"query":"web-research","minReputation":0.8}""", found => found.AsArray().Any(t => t!["name"]!.GetValue<string>() == "web-research"));
        Assert.Equal("web-research", tools[0]!["name"]!.GetValue<string>());
        var session = await CallAsync("state.begin", """{"budget":{"max":5.0}}""");
        var result = await CallAsync("tool.invoke", Json("""{"params":{"query":"AI market trends 2026"}}""", ("toolId", tools[0]!["id"]!), ("sessionId", session["id"]!)));
        Assert.True(result["ok"]!.GetValue<bool>(), result.ToJsonString());

        // recordTrajectory({ taskType, steps: session.trace, reward })
        session = await CallAsync("state.get", Json("{}", ("sessionId", session["id"]!)));
        var recorded = await CallAsync("selfImproving.recordTrajectory", Json("""{"taskType":"web-research","reward":0.95}""", ("steps", session["trace"]!)));
        Assert.Equal(64, recorded["trajectoryId"]!.GetValue<string>().Length);
        Assert.Equal("ended", (await CallAsync("state.end", Json("{}", ("sessionId", session["id"]!))))["status"]!.GetValue<string>());

        // record_trajectory(task_type, steps=session.trace, reward=result.score)
        session = await CallAsync("state.begin", """{"budget":{"max":5.0}}""");
        tools = await FoundAsync("tool.discover", """{"query":"code-review"}""", found => found[0]!["name"]!.GetValue<string>() == "code-review");
        result = await CallAsync("tool.invoke", Json("""{"params":{"repo":"github.com/my/repo","pr":42}}""", ("toolId", tools[0]!["id"]!), ("sessionId", session["id"]!)));
        session = await CallAsync("state.get", Json("{}", ("sessionId", session["id"]!)));
        Assert.Equal(1, result["score"]!.GetValue<double>());
        await CallAsync("selfImproving.recordTrajectory", Json("""{"taskType":"code-review"}""", ("steps", session["trace"]!), ("reward", result["score"]!)));

        // "Trajectory gossips automatically"
        await _pair.UntilAsync("the run is at the other peer", async () =>
            (await CallAsync(_pair.Payee, "selfImproving.query", """{"taskType":"code-review"}""")).AsArray().Any(run => run!["peerId"]!.GetValue<string>() == _pair.Payer.PeerId));
    }

    [Fact]
    public async Task Record_and_reflect()
    {
        // steps: executionTrace, input: task, output: result
        var task = JsonNode.Parse("""{"task":"Market research"}""")!;
        var trace = JsonNode.Parse("""[{"kind":"tool","name":"web search","input":{"query":"AI agent market"},"output":"bullish","durationMs":12,"cost":0.003,"ok":true}]""")!;
        await CallAsync("selfImproving.recordTrajectory", Json("""{"taskType":"market-analysis","output":{"trend":"bullish"},"reward":0.92}""", ("input", task), ("steps", trace)));
        var lastRun = (await CallAsync("selfImproving.query", """{"taskType":"market-analysis"}"""))[0]!;
        Assert.Equal((0.92, "bullish"), (lastRun["reward"]!.GetValue<double>(), lastRun["output"]!["trend"]!.GetValue<string>()));

        var reflected = await CallAsync("learning.reflect", Json("""{"outcome":"success","insights":["Chain-of-thought improves accuracy"]}""", ("execution", lastRun)));
        Assert.Equal("Chain-of-thought improves accuracy", Assert.Single(reflected["bullets"]!.AsArray())!["text"]!.GetValue<string>());
    }

    [Fact]
    public async Task Search_and_feedback()
    {
        await CallAsync(_pair.Payee, "matrix.register", """{"type":"skill","name":"kubernetes-deployment-patterns","description":"Patterns to deploy apps to kubernetes."}""");
        await OfferAsync(_pair.Payee, "helm-deploy", "Deploys an app to kubernetes with helm.", "kubernetes", "{}");
        await CallAsync(_pair.Payee, "matrix.register", """{"type":"skill","name":"monitoring-setup","description":"Sets up monitoring of an app."}""");

        // matrix.search('…') → [{ name, type, score }]
        string[] expected = ["helm-deploy tool", "kubernetes-deployment-patterns skill", "monitoring-setup skill"];
        var results = (await FoundAsync("matrix.search", """{"query":"deploy my app to kubernetes with monitoring"}""", found => expected.All(Named(found).Contains))).AsArray();
        Assert.All(results, result => Assert.InRange(result!["score"]!.GetValue<double>(), 0, 1));
        Assert.Equal(results.Select(r => r!["score"]!.GetValue<double>()).OrderDescending(), results.Select(r => r!["score"]!.GetValue<double>()));

        // matrix.feedback(results[0], +1); matrix.feedback(results[2], -1)
        Assert.Equal(1, (await CallAsync("matrix.feedback", Json("""{"vote":1}""", ("result", results[0]!))))["outcomes"]!.GetValue<int>());
        Assert.Equal(1, (await CallAsync("matrix.feedback", Json("""{"vote":-1}""", ("result", results[2]!))))["outcomes"]!.GetValue<int>());

        // "Feedback gossips to all peers → improves the model": who thinks otherwise has the last become the first, here and at the other peer.
        var last = results[^1]!["id"]!.GetValue<string>();
        for (var i = 0; i < 4; i++)
        {
            await CallAsync("matrix.feedback", Json("""{"vote":-1}""", ("result", results[0]!)));
            await CallAsync("matrix.feedback", Json("""{"vote":1}""", ("result", results[^1]!)));
        }

        foreach (var peer in new[] { _pair.Payer, _pair.Payee })
        {
            await _pair.UntilAsync($"the votes change the ranking of {peer.PeerId}", async () =>
                (await CallAsync(peer, "matrix.search", """{"query":"deploy my app to kubernetes with monitoring"}"""))[0]!["id"]!.GetValue<string>() == last);
        }

        static List<string> Named(JsonNode found) => [.. found.AsArray().Select(hit => $"{hit!["name"]} {hit["type"]}")];
    }

    private static JsonObject Json(string text, params (string Name, JsonNode Value)[] more)
    {
        var json = JsonNode.Parse(text)!.AsObject();
        foreach (var (name, value) in more)
        {
            json[name] = value.DeepClone();
        }

        return json;
    }

    private static async Task<JsonNode> CallAsync(Hyperspace.Host.ChildPeer peer, string method, string parameters) => (await peer.Api.CallAsync(method, Json(parameters)))!;

    private Task<JsonNode> CallAsync(string method, string parameters) => CallAsync(method, Json(parameters));

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters) => (await _pair.Payer.Api.CallAsync(method, parameters))!;

    private async Task<JsonNode> FoundAsync(string method, string parameters, Func<JsonNode, bool> isThere)
    {
        JsonNode found = new JsonArray();
        await _pair.UntilAsync($"{method} finds it", async () => (found = await CallAsync(method, parameters)).AsArray().Count > 0 && isThere(found));
        return found;
    }

    private Task OfferAsync(Hyperspace.Host.ChildPeer peer, string name, string description, string capability, string properties) => peer.Api.CallAsync("tool.register", new JsonObject
    {
        ["name"] = name,
        ["description"] = description,
        ["capabilities"] = new JsonArray(capability),
        ["inputSchema"] = new JsonObject { ["type"] = "object", ["properties"] = JsonNode.Parse(properties) },
        ["provider"] = new JsonObject { ["type"] = "http", ["url"] = _pair.Tool.Url.ToString() },
    });
}
