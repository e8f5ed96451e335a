using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hyperspace.Tests.Host;

/// <summary>Learning, the matrix and reputation over HTTP, as an agent uses them.</summary>
public sealed class LearningApiTests(PeerProcessFixture peer) : IClassFixture<PeerProcessFixture>
{
    private const string Nobody = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5";
    private const string NoRun = "0000000000000000000000000000000000000000000000000000000000000000";

    [Theory]
    [InlineData("reputation.get", """{}""", "INVALID_PARAMS", "peerId")]
    [InlineData("reputation.get", """{"peerId":"me"}""", "INVALID_PARAMS", "node.peers")]
    [InlineData("reputation.explain", """{"peerId":7}""", "INVALID_PARAMS", "peerId")]
    [InlineData("reputation.rate", """{"value":1}""", "INVALID_PARAMS", "exactly one")]
    [InlineData("reputation.rate", """{"peerId":"PEER","requestId":"r","value":1}""", "INVALID_PARAMS", "exactly one")]
    [InlineData("reputation.rate", """{"peerId":"PEER"}""", "INVALID_PARAMS", "value")]
    [InlineData("reputation.rate", """{"peerId":"PEER","value":1.1}""", "INVALID_PARAMS", "from -1 to 1")]
    [InlineData("reputation.rate", """{"peerId":"me","value":1}""", "INVALID_PARAMS", "node.peers")]
    [InlineData("reputation.rate", """{"requestId":"req_nobody","value":1}""", "INVALID_PARAMS", "by its peerId")]
    [InlineData("selfImproving.get", """{"taskType":"api","trajectoryId":"RUN"}""", "NOT_FOUND", "follow the task type")]
    [InlineData("selfImproving.get", """{"taskType":"api","trajectoryId":"RUN","full":true}""", "NOT_FOUND", "follow the task type")]
    [InlineData("selfImproving.get", """{"taskType":"api","trajectoryId":"no id"}""", "INVALID_PARAMS", "64 lower-case hex digits")]
    [InlineData("selfImproving.get", """{"taskType":"api","trajectoryId":"RUN","full":"yes"}""", "INVALID_PARAMS", "full")]
    [InlineData("selfImproving.get", """{"taskType":"../api","trajectoryId":"RUN"}""", "INVALID_PARAMS", "taskType")]
    [InlineData("selfImproving.curriculum", """{"taskType":"a b"}""", "INVALID_PARAMS", "taskType")]
    [InlineData("selfImproving.curriculum", """{"taskType":"api","limit":0}""", "INVALID_PARAMS", "limit")]
    [InlineData("selfImproving.preview", """{"taskType":"api","steps":[],"reward":1}""", "INVALID_PARAMS", "at least one step")]
    [InlineData("selfImproving.preview", """{"taskType":"api","steps":[{"name":"t"}],"reward":2}""", "INVALID_PARAMS", "reward")]
    [InlineData("selfImproving.preview", """{"taskType":"api","steps":[{"ok":true}],"reward":1}""", "INVALID_PARAMS", "name")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"api","steps":[{"name":"t"}],"reward":1,"repairs":"RUN"}""", "INVALID_PARAMS", "without it")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"api","steps":[{"name":"t"}],"reward":1,"contextId":"ctx_nobody"}""", "INVALID_PARAMS", "learning.context")]
    [InlineData("selfImproving.query", """{"taskType":"api","limit":101}""", "INVALID_PARAMS", "limit")]
    [InlineData("learning.context", """{"taskType":"api","tokenBudget":0}""", "INVALID_PARAMS", "tokenBudget")]
    [InlineData("learning.context", """{"taskType":"api","limit":"many"}""", "INVALID_PARAMS", "limit")]
    [InlineData("learning.playbook", """{"taskType":""}""", "INVALID_PARAMS", "taskType")]
    [InlineData("learning.follow", """{"taskType":"UPPER"}""", "INVALID_PARAMS", "taskType")]
    [InlineData("learning.reflect", """{"execution":"x","outcome":"success","insights":[]}""", "INVALID_PARAMS", "insights")]
    [InlineData("learning.reflect", """{"execution":"x","outcome":"success"}""", "INVALID_PARAMS", "insights")]
    [InlineData("matrix.search", """{}""", "INVALID_PARAMS", "query")]
    [InlineData("matrix.search", """{"query":"  "}""", "INVALID_PARAMS", "query")]
    [InlineData("matrix.search", """{"query":"x","types":["model"]}""", "INVALID_PARAMS", "types")]
    [InlineData("matrix.search", """{"query":"x","limit":101}""", "INVALID_PARAMS", "limit")]
    [InlineData("matrix.feedback", """{"id":"PEER/x","query":"what"}""", "INVALID_PARAMS", "vote")]
    [InlineData("matrix.feedback", """{"id":"PEER/x","query":"what","vote":0}""", "INVALID_PARAMS", "vote")]
    [InlineData("matrix.feedback", """{"id":"PEER/x","query":"what","vote":5}""", "INVALID_PARAMS", "vote")]
    [InlineData("matrix.feedback", """{"id":"no capability","query":"what","vote":1}""", "INVALID_PARAMS", "matrix.search")]
    [InlineData("matrix.feedback", """{"id":"PEER/x","query":"?!","vote":1}""", "INVALID_PARAMS", "in words")]
    [InlineData("matrix.feedback", """{"id":"PEER/x","vote":1}""", "INVALID_PARAMS", "query")]
    [InlineData("matrix.feedback", """{"result":{"query":"what"},"vote":1}""", "INVALID_PARAMS", "result.id")]
    [InlineData("matrix.register", """{"type":"tool","name":"x","description":"d"}""", "INVALID_PARAMS", "tool.register")]
    [InlineData("matrix.register", """{"type":"skill","name":"a/b","description":"d"}""", "INVALID_PARAMS", "name")]
    [InlineData("matrix.register", """{"type":"skill","name":"x"}""", "INVALID_PARAMS", "description")]
    [InlineData("matrix.register", """{"type":"skill","name":"x","description":"d","tags":["Not Lower"]}""", "INVALID_PARAMS", "tag")]
    [InlineData("matrix.unregister", """{"type":"skill","name":"never-described"}""", "NOT_FOUND", "never-described")]
    [InlineData("matrix.unregister", """{"name":"x"}""", "INVALID_PARAMS", "type")]
    public async Task Bad_input_is_refused_with_what_to_do(string method, string parameters, string code, string says)
    {
        var error = (await peer.CallAsync(method, JsonNode.Parse(parameters.Replace("PEER", Nobody, StringComparison.Ordinal).Replace("RUN", NoRun, StringComparison.Ordinal))!.AsObject()))["error"];
        Assert.Equal(code, error?["data"]?["code"]?.GetValue<string>());
        Assert.Contains(says, error!["message"]!.GetValue<string>(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Of_a_stranger_nothing_is_known_and_of_itself_a_peer_says_nothing()
    {
        var stranger = await ResultAsync("reputation.explain", ("peerId", Nobody));
        Assert.Equal((Nobody, 0.5), (stranger["peerId"]!.GetValue<string>(), stranger["reputation"]!.GetValue<double>()));
        var reason = Assert.Single(stranger["reasons"]!.AsArray())!;
        Assert.Equal("quarantine", reason["kind"]!.GetValue<string>());
        Assert.StartsWith("Nobody can confirm it yet", reason["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(1, (await ResultAsync("reputation.get", ("peerId", peer.PeerId)))["weight"]!.GetValue<double>());
        var self = (await peer.CallAsync("reputation.rate", new JsonObject { ["peerId"] = peer.PeerId, ["value"] = 1 }))["error"]!;
        Assert.Contains("does not rate itself", self["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_calls_of_the_readme_work_as_they_are_written()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "README.md"));
        var calls = Regex.Matches(readme, "^rpc ((?:selfImproving|learning|matrix|reputation)\\.\\S+) +'(.*)'$", RegexOptions.Multiline);
        Assert.Equal(["selfImproving.recordTrajectory", "learning.context"], calls.Select(call => call.Groups[1].Value));
        foreach (Match call in calls)
        {
            await ResultAsync(call.Groups[1].Value, JsonNode.Parse(call.Groups[2].Value)!.AsObject());
        }
    }

    [Fact]
    public async Task A_preview_shows_what_a_record_would_share_and_a_run_is_got_compact_or_whole()
    {
        var text = new string('x', 16_000);
        var run = Run("large", "mail jane@example.org", 1, ("output", text));
        var preview = await ResultAsync("selfImproving.preview", run);
        Assert.Equal(("input", "email", 1), (preview["replacements"]![0]!["field"]!.GetValue<string>(), preview["replacements"]![0]!["kind"]!.GetValue<string>(), preview["replacements"]![0]!["count"]!.GetValue<int>()));
        Assert.True(preview["bodyByHash"]!.GetValue<bool>() && preview["bytes"]!.GetValue<int>() > text.Length);
        Assert.Null(preview["run"]!["trajectoryId"]);
        Assert.Empty((await ResultAsync("selfImproving.query", ("taskType", "large"))).AsArray());

        var id = (await ResultAsync("selfImproving.recordTrajectory", run))["trajectoryId"]!.GetValue<string>();
        var compact = await ResultAsync("selfImproving.get", ("taskType", "large"), ("trajectoryId", id));
        Assert.False(compact["full"]!.GetValue<bool>());
        Assert.InRange(compact["output"]!.GetValue<string>().Length, 1, text.Length - 1);
        Assert.True(compact["bodyBytes"]!.GetValue<long>() > text.Length);
        var whole = await ResultAsync("selfImproving.get", ("taskType", "large"), ("trajectoryId", id), ("full", true));
        Assert.Equal((true, text, "mail [redacted:email]"), (whole["full"]!.GetValue<bool>(), whole["output"]!.GetValue<string>(), whole["input"]!.GetValue<string>()));
        Assert.Equal(preview["run"]!["steps"]!.ToJsonString(), whole["steps"]!.ToJsonString());
    }

    [Fact]
    public async Task What_a_context_handed_out_is_credited_by_its_run_once()
    {
        await ResultAsync("learning.reflect", ("taskType", "credit"), ("execution", "x"), ("outcome", "success"), ("insights", new JsonArray("Ask for one word.")));
        await ResultAsync("selfImproving.recordTrajectory", Run("credit", "yamux window", 1));
        var context = await ResultAsync("learning.context", ("taskType", "credit"), ("input", "yamux window"));
        var bullet = Assert.Single(context["bullets"]!.AsArray(), b => b!["text"]!.GetValue<string>() == "Ask for one word.")!;
        Assert.Equal("yamux window", Assert.Single(context["exemplars"]!.AsArray())!["input"]!.GetValue<string>());
        var small = await ResultAsync("learning.context", ("taskType", "credit"), ("input", "yamux window"), ("tokenBudget", 8));
        Assert.InRange(small["tokens"]!.GetValue<int>(), 1, 8);

        var run = Run("credit", "yamux window", 1, ("contextId", context["contextId"]!.DeepClone()));
        await ResultAsync("selfImproving.recordTrajectory", run);
        await Eventually.TrueAsync(async () => (await BulletAsync())["helpful"]!.GetValue<int>() == bullet["helpful"]!.GetValue<int>() + 1);
        var again = (await peer.CallAsync("selfImproving.recordTrajectory", run))["error"]!;
        Assert.Contains("credited with an outcome before", again["message"]!.GetValue<string>(), StringComparison.Ordinal);

        async Task<JsonNode> BulletAsync() =>
            (await ResultAsync("learning.playbook", ("taskType", "credit")))["bullets"]!.AsArray().Single(b => b!["text"]!.GetValue<string>() == "Ask for one word.")!;
    }

    [Fact]
    public async Task A_failure_of_the_frontier_is_repaired_and_marked_and_shown_after_what_went_well_by_itself()
    {
        var failed = (await ResultAsync("selfImproving.recordTrajectory", Run("repairs", "yamux window", 0)))["trajectoryId"]!.GetValue<string>();
        Assert.Empty((await ResultAsync("selfImproving.curriculum", ("taskType", "repairs"))).AsArray());
        var done = (await ResultAsync("selfImproving.recordTrajectory", Run("repairs", "yamux window", 1)))["trajectoryId"]!.GetValue<string>();

        // What goes well sometimes is worth practising, and it says which run went wrong.
        var goal = await FrontierAsync();
        Assert.Equal(("yamux window", 0.5, 2, failed), (goal["input"]!.GetValue<string>(), goal["successRate"]!.GetValue<double>(), goal["attempts"]!.GetValue<int>(), goal["failed"]!.GetValue<string>()));

        // A repair that was not verified to go well counts for nothing: it is kept, marked, and shown to nobody.
        var half = (await ResultAsync("selfImproving.recordTrajectory", Run("repairs", "yamux window", 0.5, ("repairs", failed))))["trajectoryId"]!.GetValue<string>();
        Assert.Equal(failed, (await ResultAsync("selfImproving.get", ("taskType", "repairs"), ("trajectoryId", half)))["repairs"]!.GetValue<string>());
        Assert.Equal([done], await ExemplarsAsync());
        Assert.Equal(failed, (await FrontierAsync())["failed"]!.GetValue<string>());

        // Scored again it is an example, behind the run that went well by itself, and the goal's rate is what it was.
        var repair = (await ResultAsync("selfImproving.recordTrajectory", Run("repairs", "yamux window", 0.9, ("repairs", failed))))["trajectoryId"]!.GetValue<string>();
        Assert.Equal([done, repair], await ExemplarsAsync());
        goal = await FrontierAsync();
        Assert.Equal((0.5, 2, true), (goal["successRate"]!.GetValue<double>(), goal["attempts"]!.GetValue<int>(), goal["failed"] is null));

        // What it repairs is still there, and is no repair.
        Assert.Null((await ResultAsync("selfImproving.get", ("taskType", "repairs"), ("trajectoryId", failed)))["repairs"]);

        async Task<JsonNode> FrontierAsync() => Assert.Single((await ResultAsync("selfImproving.curriculum", ("taskType", "repairs"))).AsArray())!;
        async Task<IEnumerable<string>> ExemplarsAsync() =>
            (await ResultAsync("learning.context", ("taskType", "repairs"), ("input", "yamux window")))["exemplars"]!.AsArray().Select(run => run!["trajectoryId"]!.GetValue<string>());
    }

    private static JsonObject Run(string taskType, string input, double reward, params (string Name, JsonNode Value)[] more)
    {
        var run = new JsonObject
        {
            ["taskType"] = taskType,
            ["input"] = input,
            ["steps"] = new JsonArray(new JsonObject { ["name"] = "peer/docs-search", ["input"] = new JsonObject { ["query"] = input.Split(' ')[0] }, ["ok"] = reward > 0.5 }),
            ["reward"] = reward,
        };
        foreach (var (name, value) in more)
        {
            run[name] = value;
        }

        return run;
    }

    private static string ThisFile([CallerFilePath] string file = "") => file;

    private Task<JsonNode> ResultAsync(string method, params (string Name, JsonNode Value)[] parameters) =>
        ResultAsync(method, new JsonObject(parameters.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value))));

    private async Task<JsonNode> ResultAsync(string method, JsonObject parameters)
    {
        var answer = await peer.CallAsync(method, (JsonObject)parameters.DeepClone());
        return answer["result"] ?? throw new InvalidOperationException(answer.ToJsonString());
    }
}
