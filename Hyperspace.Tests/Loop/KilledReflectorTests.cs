using System.Text.Json.Nodes;
using Hyperspace.Actors.Learning;
using Hyperspace.Host;
using Hyperspace.Tests.Learning;

namespace Hyperspace.Tests.Loop;

/// <summary>A peer dies by kill -9 while a slow model reflects on its runs.</summary>
public sealed class KilledReflectorTests : IAsyncLifetime
{
    private const string TaskType = "slow";
    private const string Sentence = "Use few words.";
    private const int Runs = ReflectorActor.MaxWaiting + 6;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-reflector-");
    private readonly LearningObserver _observer = new();
    private readonly SemaphoreSlim _turns = new(0);
    private StubModel _model = null!;
    private ChildPeer _peer = null!;

    public async Task InitializeAsync()
    {
        // It says nothing of any bullet: what it reflected on is counted as neutral, what was judged by its outcome as helpful.
        _model = await StubModel.StartAsync();
        (_model.Turns, _model.Says) = (_turns, _ => """{"tags":[],"insights":[]}""");
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _peer.DisposeAsync();
        await _model.DisposeAsync();
        await _observer.DisposeAsync();
        _turns.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Every_run_earns_its_bullets_one_credit_whether_it_waited_was_judged_by_its_outcome_or_was_with_the_model()
    {
        await _peer.Api.CallAsync("learning.reflect", Of(new() { ["execution"] = "before", ["outcome"] = "success", ["insights"] = new JsonArray(Sentence) }));
        var contexts = new List<string>();
        for (var i = 0; i < Runs; i++)
        {
            var context = (await _peer.Api.CallAsync("learning.context", Of(new() { ["input"] = "words" })))!;
            Assert.Contains(context["bullets"]!.AsArray(), bullet => bullet!["text"]!.GetValue<string>() == Sentence);
            contexts.Add(context["contextId"]!.GetValue<string>());
        }

        foreach (var context in contexts)
        {
            await _peer.Api.CallAsync("selfImproving.recordTrajectory", Of(new() { ["steps"] = Steps(), ["reward"] = 1, ["contextId"] = context }));
        }

        // One is with the model, and the newest wait; the older ones were more than can wait.
        var judged = (ulong)(Runs - ReflectorActor.MaxWaiting - 1);
        await UntilCountedAsync(new BulletEvidence(1 + judged, 0, 0));
        await KillAsync();

        _turns.Release(5);
        await UntilCountedAsync(new BulletEvidence(1 + judged, 0, 5));
        await KillAsync();

        _turns.Release(Runs);
        await UntilCountedAsync(new BulletEvidence(1 + judged, 0, ReflectorActor.MaxWaiting + 1));

        // Nobody asks the model again about what it has answered.
        await KillAsync();
        var asked = _model.Requests.Count;
        await _peer.Api.CallAsync("selfImproving.recordTrajectory", Of(new() { ["steps"] = Steps(), ["reward"] = 1 }));
        await Eventually.TrueAsync(() => _model.Requests.Count > asked);
        Assert.Equal(asked + 1, _model.Requests.Count);
        Assert.Equal(new BulletEvidence(1 + judged, 0, ReflectorActor.MaxWaiting + 1), await CountedAsync());
    }

    private static JsonArray Steps() => [new JsonObject { ["name"] = "look", ["ok"] = true }];

    private static JsonObject Of(JsonObject parameters)
    {
        parameters["taskType"] = TaskType;
        return parameters;
    }

    private async Task StartAsync() => _peer = await ChildPeer.StartAsync(
        new ChildPeerOptions("reflecting", Path.Combine(_directory.FullName, "peer"), Arguments: ["--reflector", $"ollama={_model.Url},model=slow"]), CancellationToken.None);

    private async Task KillAsync()
    {
        _peer.Kill();
        Assert.Equal(137, await _peer.ExitedAsync(CancellationToken.None));
        await _peer.DisposeAsync();
        await StartAsync();
    }

    private async Task UntilCountedAsync(BulletEvidence evidence)
    {
        Assert.Equal(evidence, await Eventually.SeenAsync(CountedAsync, counted => counted.Total >= evidence.Total, timeoutSeconds: 60));
    }

    private async Task<BulletEvidence> CountedAsync() =>
        (await _observer.PullAsync(_peer, TaskType)).Bullets.GetValueOrDefault(PlaybookRules.IdOf(TaskType, PlaybookSections.Insights, Sentence));
}
