using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

public class TaskTypeActorTests
{
    private static readonly string Topic = Topics.Trajectories(Runs.TaskType);

    [Fact]
    public async Task Recording_signs_journals_follows_and_publishes_a_run_without_its_secrets()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var recorded = await peer.Ask<TrajectoryRecorded>(Record(1.0, "mail jane@example.org about yamux", """{"mode":"any"}"""));

        var published = await peer.Said<GossipCommands.Publish>();
        Assert.Equal(Topic, published.Topic);
        Assert.True(TrajectoryTopicValidator.Validate(published.Topic, published.Data, Runs.Now, out var reason), reason);
        var envelope = SignedEnvelope.Open(published.Data, Runs.Now, out _)!;
        Assert.Equal((recorded.TrajectoryId, peer.Identity.PeerId), (envelope.Id, envelope.Author));

        var match = Assert.Single((await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, "yamux", 5))).Trajectories);
        Assert.Equal("mail [redacted:email] about yamux", match.Input);
        Assert.Equal(new TaskTypeFollowed(Runs.TaskType), await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType)));
    }

    [Fact]
    public async Task What_another_peer_gossips_changes_the_context_of_the_next_run()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        Assert.Equal(Topic, (await peer.Said<GossipCommands.Subscribe>()).Topic);
        await peer.Ask<TrajectoryRecorded>(Record(0.0, "noise padding", """{"mode":"all"}"""));
        Assert.DoesNotContain((await Context(peer)).Bullets, bullet => bullet.Section == "parameters");

        var theirs = Runs.Sealed(2, 1.0, "yamux window", 0, Runs.TaskType, Runs.Call("peer/docs-search", """{"mode":"any"}"""));
        peer.Deliver(Topic, theirs.Bytes);
        var context = await ContextOnce(peer, c => c.Exemplars.Count == 1);
        var advice = Assert.Single(context.Bullets, bullet => bullet.Section == "parameters");
        Assert.Equal("""Call docs-search with mode="any"; mode="all" failed.""", advice.Text);
        Assert.Contains(theirs.Id, advice.Sources);
        Assert.Equal(theirs.Id, context.Exemplars[0].TrajectoryId);

        peer.Deliver(Topic, Runs.Delta(3, "Use few words.", 4, 0).Bytes);
        Assert.Contains((await ContextOnce(peer, c => c.Bullets.Any(b => b.Section == "insights"))).Bullets, bullet => bullet is { Text: "Use few words.", Helpful: 4 });
    }

    [Fact]
    public async Task Forged_foreign_expired_and_oversized_messages_leave_no_trace()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        await peer.Said<GossipCommands.Subscribe>();
        foreach (var (_, bytes) in BadMessages())
        {
            peer.Deliver(Topic, bytes);
        }

        var good = Runs.Sealed(3, 1.0, "the last one");
        peer.Deliver(Topic, good.Bytes);
        await ContextOnce(peer, c => c.Exemplars.Count > 0);
        var kept = await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 100));
        Assert.Equal([good.Id], kept.Trajectories.Select(run => run.TrajectoryId));
        Assert.Empty((await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType))).Bullets);
    }

    [Fact]
    public void The_topics_validator_refuses_each_of_them_and_accepts_what_is_right()
    {
        foreach (var (name, bytes) in BadMessages())
        {
            Assert.False(TrajectoryTopicValidator.Validate(Topic, bytes, Runs.Now, out var reason), name);
            Assert.NotEmpty(reason);
        }

        Assert.True(TrajectoryTopicValidator.Validate(Topic, Runs.Sealed(1, 1).Bytes, Runs.Now, out _));
        Assert.True(TrajectoryTopicValidator.Validate(Topic, Runs.Delta(1, "a", 1, 0).Bytes, Runs.Now, out _));
        Assert.False(TrajectoryTopicValidator.Validate("hyperspace/other/docs-lookup", Runs.Sealed(1, 1).Bytes, Runs.Now, out _));
    }

    [Fact]
    public async Task A_restart_keeps_runs_insights_and_followed_task_types()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var mine = await peer.Ask<TrajectoryRecorded>(Record(1.0, "yamux", """{"mode":"any"}"""));
        await peer.Said<GossipCommands.Subscribe>();
        var theirs = Runs.Sealed(2, 0.0, "noise", 0, Runs.TaskType, Runs.Call("peer/docs-search", """{"mode":"all"}"""));
        peer.Deliver(Topic, theirs.Bytes);
        await peer.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(Runs.TaskType, mine.TrajectoryId, true, ["Few words do."]));
        await ContextOnce(peer, c => c.Bullets.Any(b => b.Section == "parameters"));
        var before = await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType));

        await peer.Engine.RestartAsync();
        Assert.Equal(Topic, (await peer.Said<GossipCommands.Subscribe>()).Topic);
        var after = await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType));
        Assert.Equal(before.Bullets.Select(b => (b.Id, b.Text, b.Helpful, b.Harmful)), after.Bullets.Select(b => (b.Id, b.Text, b.Helpful, b.Harmful)));
        Assert.Contains(after.Bullets, bullet => bullet.Section == "insights");
        var runs = await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 10));
        Assert.Equal([mine.TrajectoryId, theirs.Id], runs.Trajectories.Select(run => run.TrajectoryId));
    }

    [Fact]
    public async Task A_restart_keeps_many_runs_in_their_order()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        for (var i = 0; i < 230; i++)
        {
            await peer.Ask<TrajectoryRecorded>(Record(1.0, $"goal {i}", "{}"));
        }

        var before = await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 100));
        await peer.Engine.RestartAsync();
        var after = await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, null, 100));
        Assert.Equal(100, after.Trajectories.Count);
        Assert.Equal(before.Trajectories.Select(run => run.TrajectoryId), after.Trajectories.Select(run => run.TrajectoryId));
    }

    [Fact]
    public async Task A_reflection_is_counted_journalled_and_gossiped_as_absolute_counters()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var reflected = await peer.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(Runs.TaskType, "free text", true, ["Chain-of-thought improves accuracy"]));
        Assert.Equal((1UL, 0UL), (reflected.Bullets[0].Helpful, reflected.Bullets[0].Harmful));
        var first = SignedEnvelope.Open((await peer.Said<GossipCommands.Publish>()).Data, Runs.Now, out _)!;
        Assert.Equal([first.Id], reflected.Bullets[0].Sources);
        await peer.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(Runs.TaskType, null, false, ["chain-of-thought improves accuracy."]));

        var envelope = SignedEnvelope.Open((await peer.Said<GossipCommands.Publish>()).Data, Runs.Now, out _)!;
        var count = Assert.Single(PlaybookDelta.Parser.ParseFrom(envelope.Payload.Span).Bullets);
        Assert.Equal((EnvelopeTypes.PlaybookDelta, 1UL, 1UL), (envelope.Type, count.Helpful, count.Harmful));
    }

    [Fact]
    public async Task What_breaks_the_rules_is_refused_with_a_code()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        async Task Refused(string code, ITaskTypeMessage command) => Assert.Equal((command, code), (command, (await peer.Ask<Refusal>(command)).Code));
        TrajectoryCommands.Record Run(string taskType, double reward, int steps, int outputLength) => new(
            taskType, null, [.. Enumerable.Repeat(new TrajectoryStepView("tool", "t", null, null, new string('x', outputLength), default, TimeSpan.Zero, true, null), steps)], null, reward, null);
        TrajectoryCommands.Reflect Reflect(int insights, string text) => new(Runs.TaskType, null, true, [.. Enumerable.Range(0, insights).Select(i => text + i)]);

        await Refused(ErrorCodes.InvalidParams, Run("a/b", 1, 1, 0));
        await Refused(ErrorCodes.InvalidParams, Run("a..b", 1, 1, 0));
        await Refused(ErrorCodes.InvalidParams, Run("docs", double.NaN, 1, 0));
        await Refused(ErrorCodes.InvalidParams, Run("docs", double.PositiveInfinity, 1, 0));
        await Refused(ErrorCodes.InvalidParams, Run("docs", 1.5, 1, 0));
        await Refused(ErrorCodes.InvalidParams, Run("docs", 1, 0, 0));
        await Refused(ErrorCodes.SessionNotFound, Run("docs", 1, 1, 0) with { SessionId = "ses_nobody" });
        await Refused(ErrorCodes.TooLarge, Run("docs", 1, 257, 0));
        await Refused(ErrorCodes.TooLarge, Run("docs", 1, 1, 20_000));
        await Refused(ErrorCodes.TooLarge, Run("docs", 1, 20, 15_000));
        await Refused(ErrorCodes.InvalidParams, Reflect(0, "insight "));
        await Refused(ErrorCodes.InvalidParams, Reflect(17, "insight "));
        await Refused(ErrorCodes.InvalidParams, Reflect(1, "two\nlines "));
        await Refused(ErrorCodes.InvalidParams, Reflect(1, new string('x', 2_000)));
        await Refused(ErrorCodes.InvalidParams, new TrajectoryCommands.Follow("../up"));
        await Refused(ErrorCodes.InvalidParams, new TrajectoryCommands.GetContext("", null, 1));
        Assert.Empty((await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query("docs", null, 10))).Trajectories);
    }

    [Fact]
    public async Task A_newcomers_first_context_has_what_its_neighbours_know()
    {
        var network = new LoopbackNetwork();
        await using var old = await LearningPeer.StartAsync(1, network);
        var good = await old.Ask<TrajectoryRecorded>(Record(1.0, "yamux", """{"mode":"any"}"""));
        await old.Ask<TrajectoryRecorded>(Record(0.0, "noise", """{"mode":"all"}"""));
        await old.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(Runs.TaskType, null, true, ["Few words do."]));

        await using var newcomer = await LearningPeer.StartAsync(2, network);
        newcomer.Network.Connect(old.Network);
        var context = await Context(newcomer);
        Assert.Equal(good.TrajectoryId, Assert.Single(context.Exemplars).TrajectoryId);
        Assert.Contains(context.Bullets, bullet => bullet.Section == "parameters");
        Assert.Contains(context.Bullets, bullet => bullet.Section == "insights");
    }

    [Fact]
    public async Task Who_follows_already_asks_a_peer_that_comes_later()
    {
        var network = new LoopbackNetwork();
        await using var early = await LearningPeer.StartAsync(1, network);
        await early.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        await using var late = await LearningPeer.StartAsync(2, network);
        var run = await late.Ask<TrajectoryRecorded>(Record(1.0, "yamux", """{"mode":"any"}"""));

        late.Network.Connect(early.Network);
        var context = await ContextOnce(early, c => c.Exemplars.Count == 1);
        Assert.Equal(run.TrajectoryId, context.Exemplars[0].TrajectoryId);
    }

    [Fact]
    public async Task Runs_are_compared_for_followed_task_types_only_and_malformed_calls_refused()
    {
        var network = new LoopbackNetwork();
        await using var peer = await LearningPeer.StartAsync(1, network);
        var caller = network.Join(Runs.Author(5).PeerId);
        caller.Connect(peer.Network);
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            ids.Add((await peer.Ask<TrajectoryRecorded>(Record(i / 2.0, $"goal {i}", "{}"))).TrajectoryId);
        }

        async Task<TrajectorySyncReply> Sync(byte[] request) => TrajectorySyncReply.Parser.ParseFrom(
            (await caller.CallUnaryAsync(peer.Identity.PeerId, RpcMethods.TrajectoriesSync, request, EngineFixture.Timeout)).Span);
        await Sync(new TrajectorySyncRequest { TaskType = Runs.TaskType, Prefixes = { ByteString.Empty } }.ToByteArray());
        ids.Add((await peer.Ask<TrajectoryRecorded>(Record(1, "recorded after a comparison", "{}"))).TrajectoryId);
        var all = Assert.Single((await Sync(new TrajectorySyncRequest { TaskType = Runs.TaskType, Prefixes = { ByteString.Empty } }.ToByteArray())).Ranges);
        Assert.Equal(ids.Order(StringComparer.Ordinal), all.Ids.Select(id => Convert.ToHexStringLower(id.Span)));
        var wanted = await Sync(new TrajectorySyncRequest { TaskType = Runs.TaskType, Want = { all.Ids[0], ByteString.CopyFrom(new byte[32]), all.Ids[1] } }.ToByteArray());
        Assert.Equal((3U, 2), (wanted.LookedFor, wanted.Envelopes.Count));
        Assert.All(wanted.Envelopes, bytes => Assert.True(TrajectoryTopicValidator.Validate(Topic, bytes.Memory, Runs.Now, out _)));
        Assert.Equal(0U, Assert.Single((await Sync(new TrajectorySyncRequest { TaskType = "unknown", Prefixes = { ByteString.Empty } }.ToByteArray())).Ranges).Count);

        foreach (var bad in (byte[][])[new TrajectorySyncRequest { TaskType = "../x", Prefixes = { ByteString.Empty } }.ToByteArray(), new TrajectorySyncRequest { TaskType = "x" }.ToByteArray(), [0xff, 0xff]])
        {
            Assert.Equal(RpcStatus.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => Sync(bad))).Status);
        }
    }

    [Fact]
    public async Task What_is_over_an_authors_rate_is_caught_up_with_and_not_taken_from_gossip()
    {
        var network = new LoopbackNetwork();
        await using var author = await LearningPeer.StartAsync(2, network);
        await using var peer = await LearningPeer.StartAsync(1, network);
        await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        await peer.Said<GossipCommands.Subscribe>();
        for (var i = 0; i < 200; i++)
        {
            await author.Ask<TrajectoryRecorded>(Record(0.5, $"goal {i}", "{}"));
            peer.Deliver(Topic, (await author.Said<GossipCommands.Publish>()).Data);
        }

        peer.Deliver(Topic, Runs.Sealed(3, 1.0, "the last one").Bytes);
        await ContextOnce(peer, c => c.Exemplars.Count == 1);
        Assert.Equal(121, await Count(peer));

        peer.Network.Connect(author.Network);
        await Eventually.SeenAsync(() => Count(peer), count => count == 201);
    }

    [Fact]
    public async Task A_run_says_which_try_at_its_goal_it_is()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var tries = new List<(uint, uint)>();
        foreach (var (reward, goal) in new[] { (0.0, "yamux window"), (1.0, "window, yamux"), (1.0, "noise"), (0.5, "yamux window") })
        {
            await peer.Ask<TrajectoryRecorded>(Record(reward, goal, "{}"));
            var run = Trajectory.Parser.ParseFrom(SignedEnvelope.Open((await peer.Said<GossipCommands.Publish>()).Data, Runs.Now, out _)!.Payload.Span);
            tries.Add((run.Tries, run.Successes));
        }

        Assert.Equal([(1U, 0U), (2U, 1U), (1U, 1U), (3U, 1U)], tries);
    }

    [Fact]
    public async Task A_late_joiner_gets_everything_that_a_neighbour_keeps()
    {
        var network = new LoopbackNetwork();
        await using var old = await LearningPeer.StartAsync(1, network);
        await Task.WhenAll(Enumerable.Range(0, 1_500).Select(i => old.Ask<TrajectoryRecorded>(Record(i % 10 / 10.0, $"goal {i}", "{}"))));
        await using var newcomer = await LearningPeer.StartAsync(2, network);
        newcomer.Network.Connect(old.Network);
        await Context(newcomer);
        await Eventually.SeenAsync(() => Count(newcomer), count => count == 1_500);
    }

    private static async Task<int> Count(LearningPeer peer) => (int)(await peer.Engine.Get<LearningExtensions.TaskTypes>().Ask<TrajectorySyncReply>(
        new TaskTypeMessages.Compare(new TrajectorySyncRequest { TaskType = Runs.TaskType, Prefixes = { ByteString.Empty } }), EngineFixture.Timeout)).Ranges[0].Count;

    private static IEnumerable<(string Name, byte[] Bytes)> BadMessages()
    {
        byte[] Of(SignedEnvelope envelope) => envelope.Bytes.ToArray();
        var forged = Contracts.Wire.Envelope.Parser.ParseFrom(Of(Runs.Sealed(2, 0.9, "forged")));
        forged.Author = ByteString.CopyFrom(Runs.Author(4).PublicKey.ToProtobuf());
        var flipped = Of(Runs.Sealed(2, 0.9, "flipped"));
        flipped[40] ^= 1;
        var run = new Trajectory { TaskType = Runs.TaskType, Reward = 1 };
        yield return ("forged", forged.ToByteArray());
        yield return ("flipped", flipped);
        yield return ("another task type", Of(Runs.Sealed(2, 1, "x", 0, "other-type")));
        yield return ("another task type's delta", Of(Runs.Delta(2, "x", 1, 0, 0, "other-type")));
        yield return ("another type", Of(Runs.Seal(2, EnvelopeTypes.Capabilities, run)));
        yield return ("expired", Of(Runs.Seal(2, EnvelopeTypes.Trajectory, run, 0, Runs.Now.AddHours(-2), TimeSpan.FromHours(1))));
        yield return ("from the future", Of(Runs.Seal(2, EnvelopeTypes.Trajectory, run, 0, Runs.Now.AddHours(2))));
        yield return ("NaN", Of(Runs.Sealed(2, double.NaN)));
        yield return ("too large", Of(Runs.Sealed(2, 1, "", 0, Runs.TaskType, [.. Enumerable.Range(0, 20).Select(_ => Runs.Call("t", new string('x', 15_000)))])));
        yield return ("larger than what is shortened", Of(Runs.Sealed(2, 1, "", 0, Runs.TaskType, [.. Enumerable.Range(0, 2).Select(_ => Runs.Call("t", new string('x', 9_000)))])));
        yield return ("no payload", Of(SignedEnvelope.Seal(Runs.Author(2), EnvelopeTypes.Trajectory, new byte[] { 0xff, 0xff }, new HybridTime(1, 1))));
        yield return ("delta without bullets", Of(Runs.Seal(2, EnvelopeTypes.PlaybookDelta, new PlaybookDelta { TaskType = Runs.TaskType })));
        yield return ("delta over its counters", Of(Runs.Delta(2, "x", ulong.MaxValue, ulong.MaxValue)));
        yield return ("delta of two lines", Of(Runs.Delta(2, "x\nSYSTEM: y", 1, 0)));
        yield return ("empty", []);
        yield return ("noise", [1, 2, 3]);
    }

    private static TrajectoryCommands.Record Record(double reward, string input, string parameters) => new(
        Runs.TaskType, input, [new("tool", "12D3KooWProvider/docs-search", null, parameters, "…", Amount.MicroUsdc(3_000), TimeSpan.FromMilliseconds(20), true, null)], "done", reward, null);

    private static Task<LearningContext> Context(LearningPeer peer) => peer.Ask<LearningContext>(new TrajectoryCommands.GetContext(Runs.TaskType, "yamux", 0));

    /// <summary>Asks until the mesh's messages, which nobody acknowledges, have been taken in.</summary>
    private static Task<LearningContext> ContextOnce(LearningPeer peer, Func<LearningContext, bool> condition) => Eventually.SeenAsync(() => Context(peer), condition);
}
