using Google.Protobuf;
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

public class RunBodyTests
{
    private static readonly string Long = string.Concat(Enumerable.Range(0, 2_000).Select(i => $"line {i} ")).Substring(0, 15_000);

    [Fact]
    public async Task A_large_run_travels_as_a_compact_record_and_its_whole_is_fetched_from_the_author_by_hash()
    {
        var network = new LoopbackNetwork();
        await using var author = await LearningPeer.StartAsync(1, network);
        await using var peer = await LearningPeer.StartAsync(2, network);
        var preview = await author.Ask<TrajectoryPreview>(new TrajectoryCommands.Preview(Large()));
        Assert.True(preview.BodyByHash);
        var id = (await author.Ask<TrajectoryRecorded>(Large())).TrajectoryId;
        Assert.InRange((await author.Said<GossipCommands.Publish>()).Data.Length, 1, 16 * 1024);

        peer.Network.Connect(author.Network);
        await Sync(peer, id);
        var compact = await Get(peer, id, full: false);
        Assert.False(compact.Full);
        Assert.Equal((preview.Bytes, 1, 1), (compact.Run.BodyBytes, compact.Run.Tries, compact.Run.Successes));
        Assert.True(compact.Run.Output!.Length <= CompactRecord.MaxHeadBytes);

        var whole = await Get(peer, id, full: true);
        Assert.True(whole.Full);
        Assert.Equal((Long, Long, compact.Run.BodyBytes, 1), (whole.Run.Output, whole.Run.Steps[0].Output, whole.Run.BodyBytes, whole.Run.Tries));
        Assert.Equal(Long, (await Get(author, id, full: true)).Run.Output);

        // From the disk from now on, whoever is there.
        author.Network.Handle(RpcMethods.TrajectoriesBody, (_, _) => throw new RpcException(RpcStatus.Unavailable, "gone"));
        await peer.Engine.RestartAsync();
        Assert.Equal(Long, (await Get(peer, id, full: true)).Run.Output);
    }

    [Fact]
    public async Task A_wrong_whole_is_refused_the_next_peer_is_asked_and_the_liar_not_again_for_a_while()
    {
        var network = new LoopbackNetwork();
        await using var author = await LearningPeer.StartAsync(1, network);
        await using var helper = await LearningPeer.StartAsync(3, network);
        await using var peer = await LearningPeer.StartAsync(2, network);
        var id = (await author.Ask<TrajectoryRecorded>(Large())).TrajectoryId;
        helper.Network.Connect(author.Network);
        await Sync(helper, id);
        Assert.True((await Get(helper, id, full: true)).Full);

        var asked = 0;
        author.Network.Handle(RpcMethods.TrajectoriesBody, (_, _) => Lie());
        peer.Network.Connect(author.Network);
        await Sync(peer, id);
        Assert.Equal(ErrorCodes.PeerUnreachable, (await peer.Ask<Refusal>(new TrajectoryCommands.Get(Runs.TaskType, id, Full: true))).Code);
        Assert.Equal(1, asked);

        peer.Network.Connect(helper.Network);
        Assert.Equal(Long, (await Get(peer, id, full: true)).Run.Output);
        Assert.Equal(1, asked);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Lie()
        {
            asked++;
            await Task.CompletedTask;
            yield return new TrajectoryBodyReply { Body = new Trajectory { TaskType = Runs.TaskType, Reward = 1, Output = Long }.ToByteString() }.ToByteArray();
        }
    }

    [Fact]
    public async Task What_is_not_kept_is_refused_and_a_small_run_is_whole()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var small = (await peer.Ask<TrajectoryRecorded>(Large() with { Output = "done", Steps = [Step("found")] })).TrajectoryId;
        var found = await Get(peer, small, full: false);
        Assert.Equal((true, 0L, "done"), (found.Full, found.Run.BodyBytes, found.Run.Output));
        Assert.Equal(ErrorCodes.NotFound, (await peer.Ask<Refusal>(new TrajectoryCommands.Get(Runs.TaskType, new string('0', 64), Full: true))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await peer.Ask<Refusal>(new TrajectoryCommands.Get(Runs.TaskType, "x", Full: true))).Code);
    }

    [Fact]
    public async Task Whoever_gives_the_right_whole_is_asked_again_when_the_author_named_a_wrong_size()
    {
        var network = new LoopbackNetwork();
        var (self, helper) = (network.Join(Runs.Author(1).PeerId), network.Join(Runs.Author(3).PeerId));
        self.Connect(helper);
        var whole = new Trajectory { TaskType = Runs.TaskType, Reward = 1, Output = Long, RecordedMs = 1, Steps = { Runs.Call("t", Long) } };
        var record = CompactRecord.Of(whole).Record;
        record.BodyBytes++;
        var asked = 0;
        helper.Handle(RpcMethods.TrajectoriesBody, (_, _) => Give());
        var folder = Directory.CreateTempSubdirectory("hyperspace-bodies-").FullName;
        await using (var store = new ExperienceStore(folder, self.LocalPeer.ToString(), new Hyperspace.Actors.Engine.ExperienceLimits(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance))
        {
            var bodies = new RunBodies(self.LocalPeer, self, self, store, TimeProvider.System);
            for (var i = 1; i <= 2; i++)
            {
                Assert.Equal(ErrorCodes.BadEnvelope, (await bodies.WholeAsync(Runs.Author(2).PeerId, record, default)).Refusal!.Code);
                Assert.Equal(i, asked);
            }

            record.BodyBytes--;
            Assert.Equal(Long, (await bodies.WholeAsync(Runs.Author(2).PeerId, record, default)).Whole?.Output);
        }

        Directory.Delete(folder, recursive: true);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Give()
        {
            asked++;
            await Task.CompletedTask;
            yield return new TrajectoryBodyReply { Body = whole.ToByteString() }.ToByteArray();
        }
    }

    private static async Task<TrajectoryFound> Get(LearningPeer peer, string id, bool full)
    {
        var answer = await peer.Ask<object>(new TrajectoryCommands.Get(Runs.TaskType, id, full));
        return answer as TrajectoryFound ?? throw new InvalidOperationException($"The run was not given: {(answer as Refusal)?.Message}");
    }

    /// <summary>The first context of a task type waits for the neighbours, but on a busy machine not until they were caught up with.</summary>
    private static async Task Sync(LearningPeer peer, string id)
    {
        await peer.Ask<LearningContext>(new TrajectoryCommands.GetContext(Runs.TaskType, "yamux", 0));
        await Eventually.TrueAsync(async () => await peer.Ask<object>(new TrajectoryCommands.Get(Runs.TaskType, id, Full: false)) is TrajectoryFound);
    }

    private static TrajectoryCommands.Record Large() => new(Runs.TaskType, "what is yamux", [Step(Long)], Long, 1.0, null);

    private static TrajectoryStepView Step(string output) =>
        new("tool", "12D3KooWProvider/docs-search", null, """{"query":"yamux"}""", output, Amount.MicroUsdc(3_000), TimeSpan.FromMilliseconds(20), true, null);
}
