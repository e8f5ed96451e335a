using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

public class ContextActorTests
{
    private static readonly string Topic = Topics.Trajectories(Runs.TaskType);

    [Fact]
    public async Task An_outcome_credits_exactly_what_was_handed_out_and_once_and_over_a_restart()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var exemplar = (await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux window"))).TrajectoryId;
        await peer.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(Runs.TaskType, null, true, ["Use few words."]));
        var context = await Context(peer);
        Assert.Equal([exemplar], context.Exemplars.Select(run => run.TrajectoryId));
        Assert.True(context.Tokens > 0);
        Assert.StartsWith("ctx_", context.ContextId, StringComparison.Ordinal);
        var before = await Insight(peer);

        await peer.Engine.RestartAsync();
        await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux windows") with { ContextId = context.ContextId });
        var credits = await Credits(peer);
        Assert.Equal((Runs.TaskType, 1), (credits.TaskType, credits.Credits.Count));
        Assert.Equal((exemplar, 1UL, 1UL), (Convert.ToHexStringLower(credits.Credits[0].TrajectoryId.Span), credits.Credits[0].Retrieved, credits.Credits[0].Succeeded));
        await Until(peer, async () => (await Insight(peer)).Helpful == before.Helpful + 1);

        var again = await peer.Ask<Refusal>(Record(1.0, "yamux") with { ContextId = context.ContextId });
        Assert.Contains("before", again.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.InvalidParams, (await peer.Ask<Refusal>(Record(1.0, "yamux") with { ContextId = "ctx_unknown" })).Code);
    }

    [Fact]
    public async Task A_budget_bounds_the_context()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux window"));
        var whole = await Context(peer);
        var half = await peer.Ask<LearningContext>(new TrajectoryCommands.GetContext(Runs.TaskType, "yamux", 8) { TokenBudget = whole.Tokens - 1 });
        Assert.InRange(half.Tokens, 0, whole.Tokens - 1);
        Assert.True(half.Bullets.Count + half.Exemplars.Count < whole.Bullets.Count + whole.Exemplars.Count);
        Assert.NotEqual(whole.ContextId, half.ContextId);
    }

    [Fact]
    public async Task Others_credits_decide_among_equals_and_survive_a_restart()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        await peer.Said<GossipCommands.Subscribe>();
        var (good, bad) = (Runs.Sealed(2, 1.0, "yamux window"), Runs.Sealed(3, 1.0, "window of yamux", 1));
        peer.Deliver(Topic, good.Bytes);
        peer.Deliver(Topic, bad.Bytes);
        foreach (var (run, succeeded) in new[] { (good, 0UL), (bad, 9UL) })
        {
            var credits = new ExemplarCredits { TaskType = Runs.TaskType };
            credits.Credits.Add(new ExemplarCredit { TrajectoryId = Google.Protobuf.ByteString.CopyFrom(Convert.FromHexString(run.Id)), Retrieved = 9, Succeeded = succeeded });
            peer.Deliver(Topic, Runs.Seal(4, EnvelopeTypes.ExemplarCredits, credits, (int)succeeded).Bytes);
        }

        await Until(peer, async () => (await Context(peer)).Exemplars.Select(run => run.TrajectoryId).SequenceEqual([bad.Id, good.Id]));
        await peer.Engine.RestartAsync();
        await Until(peer, async () => (await Context(peer)).Exemplars.Select(run => run.TrajectoryId).SequenceEqual([bad.Id, good.Id]));
    }

    [Fact]
    public async Task A_repair_names_a_failed_run_of_the_same_input_and_is_marked()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var failed = (await peer.Ask<TrajectoryRecorded>(Record(0.0, "yamux window"))).TrajectoryId;
        Assert.Equal(ErrorCodes.InvalidParams, (await peer.Ask<Refusal>(Record(1.0, "noise") with { Repairs = failed })).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await peer.Ask<Refusal>(Record(1.0, "yamux window") with { Repairs = "not an id" })).Code);
        var repair = (await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux window") with { Repairs = failed })).TrajectoryId;
        var runs = (await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 10))).Trajectories;
        Assert.Equal(failed, runs.Single(run => run.TrajectoryId == repair).Repairs);
        Assert.Empty((await peer.Ask<CurriculumView>(new TrajectoryCommands.Curriculum(Runs.TaskType, 10))).Goals);
    }

    [Fact]
    public async Task The_curriculum_names_what_goes_well_sometimes()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        await peer.Ask<TrajectoryRecorded>(Record(0.0, "yamux window"));
        await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux window"));
        await peer.Ask<TrajectoryRecorded>(Record(1.0, "noise"));
        var goal = Assert.Single((await peer.Ask<CurriculumView>(new TrajectoryCommands.Curriculum(Runs.TaskType, 10))).Goals);
        Assert.Equal(("yamux window", 0.5, 2L, 1.0), (goal.Input, goal.SuccessRate, goal.Attempts, goal.Value));
    }

    [Fact]
    public async Task A_version_is_taken_of_ten_own_exemplars_though_no_run_had_a_context_and_is_kept_over_a_restart()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        for (var i = 0; i < 10; i++)
        {
            await peer.Ask<TrajectoryRecorded>(Record(1.0, $"noise {i}"));
        }

        await peer.Engine.RestartAsync();
        var newest = (await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux window"))).TrajectoryId;
        var shown = new bool[4];
        for (var i = 0; i < shown.Length; i++)
        {
            shown[i] = (await Context(peer)).Exemplars.Any(run => run.TrajectoryId == newest);
        }

        // Every fourth context comes from the version, which a run after it is not in.
        Assert.Equal([true, true, true, false], shown);
    }

    [Fact]
    public async Task A_preview_shows_what_would_leave_and_records_nothing()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var preview = await peer.Ask<TrajectoryPreview>(new TrajectoryCommands.Preview(Record(1.0, "mail jane@example.org and joe@example.org")));
        Assert.Equal("mail [redacted:email] and [redacted:email]", preview.Run.Input);
        Assert.Equal([new Replacement("input", "email", 2)], preview.Replacements);
        Assert.True(preview.Bytes > 0);
        Assert.Empty((await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 10))).Trajectories);
        Assert.Equal(ErrorCodes.InvalidParams, (await peer.Ask<Refusal>(new TrajectoryCommands.Preview(Record(double.NaN, "x")))).Code);
    }

    private static TrajectoryCommands.Record Record(double reward, string input) => new(
        Runs.TaskType, input, [new("tool", "peer/docs-search", null, """{"mode":"any"}""", "found", default, TimeSpan.Zero, true, null)], "done", reward, null);

    private static Task<LearningContext> Context(LearningPeer peer) => peer.Ask<LearningContext>(new TrajectoryCommands.GetContext(Runs.TaskType, "yamux", 8));

    private static async Task<BulletView> Insight(LearningPeer peer) =>
        (await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType))).Bullets.Single(bullet => bullet.Text == "Use few words.");

    private static async Task<ExemplarCredits> Credits(LearningPeer peer)
    {
        while (true)
        {
            var envelope = SignedEnvelope.Open((await peer.Said<GossipCommands.Publish>()).Data, Runs.Now.AddMinutes(1), out _)!;
            if (envelope.Type == EnvelopeTypes.ExemplarCredits)
            {
                return ExemplarCredits.Parser.ParseFrom(envelope.Payload.Span);
            }
        }
    }

    /// <summary>Asks until the mesh's messages, which nobody acknowledges, have been taken in.</summary>
    private static async Task Until(LearningPeer peer, Func<Task<bool>> condition)
    {
        using var timeout = new CancellationTokenSource(Engine.EngineFixture.Timeout);
        while (!await condition())
        {
            Assert.False(timeout.IsCancellationRequested, $"{peer.Identity.PeerId} never met the condition.");
        }
    }
}
