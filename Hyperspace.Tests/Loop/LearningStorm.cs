using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Matrix;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Loop;

/// <summary>
/// An agent that learns through its peer as fast as it can until the peer dies, and remembers what it was told: what was
/// acknowledged must be there for good, what was on its way may be there, and nothing may be there twice.
/// </summary>
/// <param name="provider">The peer whose capabilities are used and voted on.</param>
internal sealed class LearningStorm(string provider)
{
    public const string TaskType = "storm";
    public const int Capabilities = 6;
    private const int Runners = 3;

    /// <summary>Sentences that many runs are handed; unlike each other, so that none stands for another.</summary>
    private static readonly string[] Sentences =
        ["Begin with the narrowest query.", "Ask for one page at a time.", "Quote every identifier exactly.", "Leave the language parameter out."];

    private int _words;

    public ConcurrentQueue<Deed> Deeds { get; } = new();

    /// <summary>A run that went well, badly, or neither, with what it was handed.</summary>
    public IEnumerable<Deed> Runs => Deeds.Where(deed => deed.Kind == "run");

    /// <summary>Works until the peer is gone. Whatever it refuses while it lives is thrown.</summary>
    public Task RunAsync(ChildPeer peer, CancellationToken stopped) => Task.WhenAll([
        .. Enumerable.Range(0, Runners).Select(i => UntilGoneAsync(async () => await RunOnceAsync(peer, i, stopped), stopped)),
        UntilGoneAsync(async () => await VoteAsync(peer, stopped), stopped),
        UntilGoneAsync(async () => await ReflectAsync(peer, stopped), stopped),
        UntilGoneAsync(async () => await RateAsync(peer, stopped), stopped),
    ]);

    /// <summary>Has the peer reflect the sentences that runs are handed.</summary>
    public async Task BeginAsync(ChildPeer peer)
    {
        foreach (var sentence in Sentences)
        {
            await ReflectAsync(peer, sentence, null, CancellationToken.None);
        }
    }

    public async Task RunOnceAsync(ChildPeer peer, int runner, CancellationToken stopped)
    {
        var (word, number) = Word();
        var context = (await peer.Api.CallAsync("learning.context", new JsonObject { ["taskType"] = TaskType, ["input"] = word, ["limit"] = Sentences.Length }, stopped))!;
        var capability = $"{provider}/run{number % Capabilities}";
        var reward = runner == 0 ? number / 2 % 2 : 1;
        var deed = new Deed("run", word)
        {
            Capability = capability,
            Good = reward == 1,
            Bullets = [.. context["bullets"]!.AsArray().Select(bullet => bullet!["id"]!.GetValue<string>())],
            Exemplars = [.. context["exemplars"]!.AsArray().Select(run => run!["trajectoryId"]!.GetValue<string>())],
        };
        await DoAsync(deed, async () => deed.Id = (await peer.Api.CallAsync(
            "selfImproving.recordTrajectory",
            new JsonObject
            {
                ["taskType"] = TaskType,
                ["input"] = word,
                ["steps"] = new JsonArray(new JsonObject { ["name"] = capability, ["input"] = word, ["ok"] = reward == 1 }),
                ["reward"] = reward,
                ["contextId"] = context["contextId"]!.GetValue<string>(),
            },
            stopped))!["trajectoryId"]!.GetValue<string>());
    }

    private Task VoteAsync(ChildPeer peer, CancellationToken stopped)
    {
        var (word, number) = Word();
        var deed = new Deed("vote", word) { Capability = $"{provider}/vote{number % Capabilities}", Good = number % 3 > 0 };
        return DoAsync(deed, () => peer.Api.CallAsync("matrix.feedback", new JsonObject { ["id"] = deed.Capability, ["query"] = word, ["vote"] = deed.Good ? 1 : -1 }, stopped));
    }

    // Not more than a playbook keeps of one author.
    private async Task ReflectAsync(ChildPeer peer, CancellationToken stopped)
    {
        var (word, number) = Word();
        await ReflectAsync(peer, number % 2 == 0 ? Sentences[number / 2 % Sentences.Length] : $"Prefer {word}.", word, stopped);
        await Task.Delay(TimeSpan.FromMilliseconds(20), stopped);
    }

    private Task ReflectAsync(ChildPeer peer, string sentence, string? execution, CancellationToken stopped) => DoAsync(new Deed("reflect", sentence) { Good = true }, () => peer.Api.CallAsync(
        "learning.reflect",
        new JsonObject { ["taskType"] = TaskType, ["execution"] = execution ?? "before", ["outcome"] = "success", ["insights"] = new JsonArray(sentence) },
        stopped));

    private async Task RateAsync(ChildPeer peer, CancellationToken stopped)
    {
        using var keys = KeyPair.Generate();
        var deed = new Deed("rate", keys.PeerId.ToString()) { Good = Word().Number % 2 == 0 };
        await DoAsync(deed, () => peer.Api.CallAsync("reputation.rate", new JsonObject { ["peerId"] = deed.Word, ["value"] = deed.Good ? 1 : -1 }, stopped));
        await Task.Delay(TimeSpan.FromMilliseconds(20), stopped);
    }

    private async Task DoAsync(Deed deed, Func<Task> call)
    {
        Deeds.Enqueue(deed);
        await call();
        deed.IsAcknowledged = true;
    }

    private static async Task UntilGoneAsync(Func<Task> work, CancellationToken stopped)
    {
        try
        {
            while (!stopped.IsCancellationRequested)
            {
                await work();
            }
        }
        catch (Exception e) when (stopped.IsCancellationRequested && e is CommandException { Code: null } or OperationCanceledException)
        {
            // It died in the middle of the call.
        }
    }

    /// <summary>A word that nothing else has, and that no stemming changes.</summary>
    private (string Word, int Number) Word()
    {
        var number = Interlocked.Increment(ref _words);
        return ("q" + string.Concat(Enumerable.Range(0, 5).Select(i => (char)('a' + ((number >> (4 * i)) & 15)))) + "q", number);
    }

    /// <summary>Something that the agent asked the peer to remember.</summary>
    internal sealed record Deed(string Kind, string Word)
    {
        public string Capability { get; init; } = "";

        public bool Good { get; init; }

        public IReadOnlyList<string> Bullets { get; init; } = [];

        public IReadOnlyList<string> Exemplars { get; init; } = [];

        /// <summary>The term that a vote or a run leaves in the matrix.</summary>
        public uint Term => MatrixTerms.Of(Word).Single();

        public string? Id { get; set; }

        public bool IsAcknowledged { get; set; }
    }
}
