using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Host.Demo;

/// <summary>
/// The loop on three real peers: B offers priced search over these docs; C fails on its own; A explores, pays, and
/// records; gossip carries that to C; C succeeds on the same and on new questions with the one call it can afford.
/// Each step checks that it happened and throws <see cref="CommandException"/> when it did not.
/// </summary>
internal sealed class DemoScenario(string directory, string documents, Action<DemoStep> tell)
{
    private const decimal Price = 0.002m;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50);

    private static readonly Question[] QuestionsOfC =
    [
        new("On which port does the local API of a peer listen when nobody says otherwise?", "7420"),
        new("How many bytes may a signed envelope have at most before its body must be fetched by hash?", "524288"),
        new("Which protocol id do direct calls between two peers use on a libp2p stream?", "/hyperspace/rpc/1.0.0"),
    ];

    private static readonly Question[] NewQuestionsOfC =
    [
        new("What name does the EIP-712 domain of a payment channel voucher have?", "EVM Payment Channel"),
        new("Which SQLite mode keeps the journal of payments safe when the power fails?", "FULL"),
    ];

    private static readonly Question[] QuestionsOfA =
    [
        new("Under which DHT key does a peer put its capability record?", "/hyperspace/peer/"),
        new("How does a peer prove that a wallet belongs to it?", "binding"),
    ];

    private readonly List<DemoStep> _steps = [];
    private readonly Dictionary<string, double> _latencies = [];

    public async Task<DemoReport> RunAsync(CancellationToken cancellationToken)
    {
        var whole = Stopwatch.StartNew();
        await using var b = await StepAsync("start", () => StartAsync("B", null, cancellationToken), p => $"B is up as process {p.ProcessId}: {p.PeerId}");
        var joining = new[] { StartAsync("A", b.Listen, cancellationToken), StartAsync("C", b.Listen, cancellationToken) };
        await using var a = await StepAsync("start", () => joining[0], p => $"A is up as process {p.ProcessId} and joins through B: {p.PeerId}");
        await using var c = await StepAsync("start", () => joining[1], p => $"C is up as process {p.ProcessId} and joins through B: {p.PeerId}");
        _latencies["peer start to ready"] = new[] { a, b, c }.Average(p => p.StartUp.TotalMilliseconds);

        await StepAsync("offer", () => OfferAsync(b, cancellationToken), text => text);
        var toolForC = await StepAsync("discover", () => DiscoverAsync(c, cancellationToken), t => $"C finds {Name(t)} at B through the {t["tier"]} for {t["price"]} USDC a call");
        var agentC = new DocsAgent(c);
        var before = await StepAsync("fail alone", () => SolveAllAsync(agentC, QuestionsOfC, toolForC, tries: 1, cancellationToken), r => $"C asks {r.Count} questions, one paid call each: {r.Count(x => x.Solved)} answered");
        Require(before.All(x => !x.FromExperience), "C had experience before anyone shared some.");
        Require(DemoReport.RateOf(before) < 1, "C answered everything on its own, so there was nothing to learn.");

        var toolForA = await StepAsync("discover", () => DiscoverAsync(a, cancellationToken), t => $"A finds {Name(t)} at B through the {t["tier"]}");
        var runsOfA = await StepAsync("run, settle", () => SolveAllAsync(new DocsAgent(a), QuestionsOfA, toolForA, tries: 4, cancellationToken), DescribeRuns);
        Require(QuestionsOfA.All(q => runsOfA.Any(r => r.Question == q && r.Solved)), "A did not answer its questions.");

        var (context, hops) = await StepAsync("gossip", () => WaitForExperienceAsync(c, a, runsOfA, cancellationToken), r => $"C holds {r.Count} of A's runs and {r.Context["bullets"]!.AsArray().Count} playbook bullets");
        Require(hops > 0, "No run of A reached C.");
        var after = await StepAsync("start from what A learned", () => SolveAllAsync(agentC, [.. QuestionsOfC, .. NewQuestionsOfC], toolForC, tries: 1, cancellationToken), r => $"C asks them again and {NewQuestionsOfC.Length} new ones: {r.Count(x => x.Solved)} of {r.Count} answered, one call each");
        Require(after.All(x => x.FromExperience), "C did not use what it had learnt.");
        Require(after.All(x => x.Solved), "C did not answer everything after gossip: " + string.Join("; ", after.Where(x => !x.Solved).Select(x => x.Question.Text)));

        var all = new[] { a, b, c };
        var money = await StepAsync("settle", () => BooksAsync(all, new Dictionary<string, decimal> { ["A"] = runsOfA.Sum(r => r.Spent), ["C"] = before.Concat(after).Sum(r => r.Spent) }, cancellationToken), DescribeBooks);
        var gossip = await Task.WhenAll(all.Select(p => GossipOfAsync(p, cancellationToken)));
        Require(gossip.First(g => g.Peer == "C").Delivered > 0, "C heard no gossip.");

        _latencies["tool.invoke, remote and paid (median)"] = Median(runsOfA.Concat(before).Concat(after).Select(r => r.InvokeMs));
        return new DemoReport(_steps, money, gossip, [.. context["bullets"]!.AsArray().Select(x => x!["text"]!.GetValue<string>())], before, after, _latencies, whole.Elapsed.TotalSeconds);
    }

    private Task<ChildPeer> StartAsync(string name, string? bootstrap, CancellationToken cancellationToken) =>
        ChildPeer.StartAsync(new ChildPeerOptions(name, Path.Combine(directory, name), bootstrap), cancellationToken);

    private async Task<string> OfferAsync(ChildPeer b, CancellationToken cancellationToken)
    {
        await b.Api.CallAsync("tool.register", new JsonObject
        {
            ["name"] = "docs-search",
            ["description"] = "Full-text search over a folder of documents: finds the passages that answer a question.",
            ["capabilities"] = new JsonArray("search", "docs"),
            ["inputSchema"] = JsonNode.Parse(
                """
                {"type":"object","required":["query"],"additionalProperties":false,"properties":{
                  "query":{"type":"string","minLength":1,"maxLength":500,"description":"Words to look for."},
                  "mode":{"type":"string","enum":["all","any"],"default":"all","description":"Whether a passage must have all of the words or any of them."},
                  "limit":{"type":"integer","minimum":1,"maximum":20,"default":5}}}
                """),
            ["price"] = Price,
            ["provider"] = new JsonObject { ["type"] = "builtin", ["tool"] = "docs-search", ["folder"] = documents },
        }, cancellationToken);
        var count = Directory.EnumerateFiles(documents, "*.md", SearchOption.AllDirectories).Count();
        return $"B offers docs-search over {count} documents for {Price.ToString(CultureInfo.InvariantCulture)} USDC a call";
    }

    private async Task<JsonNode> DiscoverAsync(ChildPeer peer, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var found = await UntilAsync("discover docs-search through the DHT", async () =>
        {
            clock.Restart();
            var tools = await peer.Api.CallAsync("tool.discover", new JsonObject { ["query"] = "search documents", ["capabilities"] = new JsonArray("docs") }, cancellationToken);
            return tools!.AsArray().FirstOrDefault(t => t!["tier"]!.GetValue<string>() == "dht");
        }, cancellationToken);
        _latencies[$"tool.discover through the DHT ({peer.Name})"] = clock.Elapsed.TotalMilliseconds;
        return found;
    }

    private async Task<(JsonNode Context, int Count)> WaitForExperienceAsync(ChildPeer c, ChildPeer a, IReadOnlyList<Attempt> runs, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var expected = runs.Select(r => r.TrajectoryId).ToHashSet();
        var held = await UntilAsync("hear of A's runs", async () =>
        {
            var known = await c.Api.CallAsync("selfImproving.query", new JsonObject { ["taskType"] = DocsAgent.TaskType, ["limit"] = 100 }, cancellationToken);
            var fromA = known!.AsArray().Where(t => t!["peerId"]!.GetValue<string>() == a.PeerId && expected.Contains(t["trajectoryId"]!.GetValue<string>())).ToList();
            return fromA.Any(t => t!["reward"]!.GetValue<double>() == 1.0) ? fromA : null;
        }, cancellationToken);
        _latencies["A's record to C's shelf, after A was done"] = clock.Elapsed.TotalMilliseconds;
        var context = await UntilAsync("turn A's runs into playbook bullets", async () =>
        {
            var known = await c.Api.CallAsync("learning.context", new JsonObject { ["taskType"] = DocsAgent.TaskType }, cancellationToken);
            return known!["bullets"]!.AsArray().Count > 0 ? known : null;
        }, cancellationToken);
        return (context, held.Count);
    }

    private static async Task<IReadOnlyList<Attempt>> SolveAllAsync(DocsAgent agent, IEnumerable<Question> questions, JsonNode tool, int tries, CancellationToken cancellationToken)
    {
        var attempts = new List<Attempt>();
        foreach (var question in questions)
        {
            attempts.AddRange(await agent.SolveAsync(question, tool, tries, cancellationToken));
        }

        return attempts;
    }

    private static async Task<IReadOnlyList<DemoMoney>> BooksAsync(IReadOnlyList<ChildPeer> peers, IReadOnlyDictionary<string, decimal> spent, CancellationToken cancellationToken)
    {
        var books = new List<DemoMoney>();
        foreach (var peer in peers)
        {
            var channels = (await peer.Api.CallAsync("micropayments.channel.list", null, cancellationToken))!.AsArray();
            decimal Sum(string side, string field) => channels.Where(c => c!["side"]!.GetValue<string>() == side).Sum(c => c![field]!.GetValue<decimal>());
            books.Add(new DemoMoney(peer.Name, spent.GetValueOrDefault(peer.Name), Sum("payer", "accepted"), Sum("payee", "spent")));
        }

        Require(books.All(m => m.SpentBySessions == m.PaidOverChannels), "A payer's sessions and channels disagree.");
        Require(books.Sum(m => m.PaidOverChannels) == books.Sum(m => m.Received), "Payers and payee disagree.");
        Require(books.Sum(m => m.Received) > 0, "No money moved.");
        return books;
    }

    private static async Task<DemoGossip> GossipOfAsync(ChildPeer peer, CancellationToken cancellationToken)
    {
        var gossip = (await peer.Api.CallAsync("node.info", null, cancellationToken))!["gossip"]!;
        return new DemoGossip(peer.Name, gossip["published"]!.GetValue<long>(), gossip["delivered"]!.GetValue<long>());
    }

    private static async Task<T> UntilAsync<T>(string what, Func<Task<T?>> look, CancellationToken cancellationToken)
        where T : class
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Patience)
        {
            if (await look() is { } found)
            {
                return found;
            }

            await Task.Delay(PollEvery, cancellationToken);
        }

        throw new CommandException($"The demo waited {Patience.TotalSeconds:0} s for a peer to {what}.");
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new CommandException(otherwise);
        }
    }

    private static string Name(JsonNode tool) => tool["name"]!.GetValue<string>();

    private static string DescribeRuns(IReadOnlyList<Attempt> runs) =>
        string.Create(CultureInfo.InvariantCulture, $"A tries {runs.Count} calls for {runs.Select(r => r.Question).Distinct().Count()} questions, pays {runs.Sum(r => r.Spent)} USDC, records each; {runs.Count(r => r.Solved)} solved with {runs.First(r => r.Solved).Parameters}");

    private static string DescribeBooks(IReadOnlyList<DemoMoney> books) =>
        string.Create(CultureInfo.InvariantCulture, $"books agree: A paid {books[0].PaidOverChannels}, C paid {books[2].PaidOverChannels}, B received {books[1].Received} USDC");

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private async Task<T> StepAsync<T>(string phase, Func<Task<T>> act, Func<T, string> describe)
    {
        var clock = Stopwatch.StartNew();
        var result = await act();
        var step = new DemoStep(phase, describe(result), clock.Elapsed.TotalMilliseconds);
        _steps.Add(step);
        tell(step);
        return result;
    }
}
