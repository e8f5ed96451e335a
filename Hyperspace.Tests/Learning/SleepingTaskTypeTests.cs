using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Learning;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>Peers with room for one task type at a time.</summary>
public class SleepingTaskTypeTests
{
    private static readonly LearningOptions NoRoom = new() { WorkingSetBytes = 1 };

    [Fact]
    public async Task What_a_sleeping_task_type_is_asked_is_answered_as_if_it_had_been_awake()
    {
        await using var peer = await LearningPeer.StartAsync(1, options: NoRoom);
        await Followed(peer, "a", "b", "c");
        foreach (var taskType in (string[])["a", "b", "c"])
        {
            await peer.Ask<TrajectoryRecorded>(Record(taskType, 1.0, "yamux", """{"mode":"any"}"""));
            await peer.Ask<TrajectoryRecorded>(Record(taskType, 0.0, "noise", """{"mode":"all"}"""));
            await peer.Ask<BulletsReflected>(new TrajectoryCommands.Reflect(taskType, null, true, [$"Few words do in {taskType}."]));
        }

        for (var round = 0; round < 3; round++)
        {
            // All at once: whoever is put to sleep with a question in hand answers it first.
            foreach (var taskType in (string[])["a", "b", "c"])
            {
                var questions = (Runs: peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(taskType, "yamux", 10)),
                    Playbook: peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(taskType)),
                    Context: peer.Ask<LearningContext>(new TrajectoryCommands.GetContext(taskType, "yamux", 0)));
                Assert.Equal(["yamux", "noise"], (await questions.Runs).Trajectories.Select(run => run.Input));
                Assert.Contains((await questions.Playbook).Bullets, bullet => bullet.Text == $"Few words do in {taskType}.");
                var context = await questions.Context;
                Assert.Single(context.Exemplars);
                Assert.Contains(context.Bullets, bullet => bullet.Section == "parameters");
            }
        }
    }

    [Fact]
    public async Task A_context_is_credited_after_its_task_type_slept()
    {
        await using var peer = await LearningPeer.StartAsync(1, options: NoRoom);
        await Followed(peer, "a", "b");
        await peer.Ask<TrajectoryRecorded>(Record("a", 1.0, "yamux", "{}"));
        var context = await peer.Ask<LearningContext>(new TrajectoryCommands.GetContext("a", "yamux", 0));
        await PutToSleep(peer, "a", by: "b");
        await peer.Ask<TrajectoryRecorded>(Record("a", 1.0, "yamux", "{}") with { ContextId = context.ContextId });
        await PutToSleep(peer, "a", by: "b");
        var again = await peer.Ask<Refusal>(Record("a", 1.0, "yamux", "{}") with { ContextId = context.ContextId });
        Assert.Contains("credited with an outcome before", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_gossiped_to_a_sleeping_task_type_does_not_wake_it_and_is_there_when_it_wakes()
    {
        await using var peer = await LearningPeer.StartAsync(1, options: NoRoom);
        await Followed(peer, "a", "b");
        await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook("a"));
        await PutToSleep(peer, "a", by: "b");

        var theirs = Runs.Sealed(2, 1.0, "yamux", 0, "a");
        peer.Deliver(Topics.Trajectories("a"), theirs.Bytes);
        peer.Deliver(Topics.Trajectories("a"), Runs.Delta(3, "Use few words.", 4, 0, 0, "a").Bytes);
        var ids = await Eventually.SeenAsync(() => Ids(peer, "a"), seen => seen.Count == 2);

        Assert.False(await IsAwake(peer, "a"));
        Assert.Contains(theirs.Id, ids);
        Assert.Equal([theirs.Id], (await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query("a", null, 10))).Trajectories.Select(run => run.TrajectoryId));
        Assert.Contains((await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook("a"))).Bullets, bullet => bullet is { Text: "Use few words.", Helpful: 4 });
    }

    [Fact]
    public async Task A_neighbour_gets_everything_of_a_sleeping_task_type()
    {
        var network = new LoopbackNetwork();
        await using var old = await LearningPeer.StartAsync(1, network, NoRoom);
        await Followed(old, "a", "b");
        await old.Ask<TrajectoryRecorded>(Record("a", 1.0, "yamux", "{}"));
        await old.Ask<BulletsReflected>(new TrajectoryCommands.Reflect("a", null, true, ["Few words do."]));
        await PutToSleep(old, "a", by: "b");

        await using var newcomer = await LearningPeer.StartAsync(2, network);
        newcomer.Network.Connect(old.Network);
        await GetsEverything(newcomer);
    }

    [Fact]
    public async Task A_neighbour_gets_everything_of_a_task_type_that_nobody_asked_since_the_restart()
    {
        var network = new LoopbackNetwork();
        await using var old = await LearningPeer.StartAsync(1, network, NoRoom);
        await old.Ask<TrajectoryRecorded>(Record("a", 1.0, "yamux", "{}"));
        await old.Ask<BulletsReflected>(new TrajectoryCommands.Reflect("a", null, true, ["Few words do."]));
        await old.Engine.RestartAsync();
        Assert.Equal(Topics.Trajectories("a"), (await old.Said<GossipCommands.Subscribe>()).Topic);

        await using var newcomer = await LearningPeer.StartAsync(2, network);
        newcomer.Network.Connect(old.Network);
        await GetsEverything(newcomer);
    }

    [Fact]
    public async Task A_burst_over_many_task_types_leaves_few_of_them_awake()
    {
        const int TaskTypes = 60;
        await using var peer = await LearningPeer.StartAsync(1, options: new LearningOptions { WorkingSetBytes = 8 * 80 * 1024 });
        await Task.WhenAll(Enumerable.Range(0, TaskTypes).Select(i => peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query($"burst-{i}", "x", 1))));
        var awake = await Eventually.SeenAsync(async () => (await Task.WhenAll(Enumerable.Range(0, TaskTypes).Select(i => IsAwake(peer, $"burst-{i}")))).Count(yes => yes), left => left <= 10);
        Assert.InRange(awake, 1, 10);
        Assert.Equal(TaskTypes, (await Task.WhenAll(Enumerable.Range(0, TaskTypes).Select(i => peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query($"burst-{i}", "x", 1))))).Length);
    }

    private static async Task Followed(LearningPeer peer, params string[] taskTypes)
    {
        foreach (var taskType in taskTypes)
        {
            await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(taskType));
            await peer.Said<GossipCommands.Subscribe>();
        }
    }

    /// <summary>The first context waits for the neighbours, but on a busy machine not until they were caught up with.</summary>
    private static Task GetsEverything(LearningPeer newcomer) => Eventually.SeenAsync(
        () => newcomer.Ask<LearningContext>(new TrajectoryCommands.GetContext("a", "yamux", 0)),
        context => context.Exemplars.Count == 1 && context.Bullets.Any(bullet => bullet.Text == "Few words do."));

    private static async Task PutToSleep(LearningPeer peer, string taskType, string by)
    {
        await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(by, null, 1));
        await Eventually.TrueAsync(async () => !await IsAwake(peer, taskType));
    }

    private static async Task<bool> IsAwake(LearningPeer peer, string taskType)
    {
        try
        {
            await peer.Engine.System.ActorSelection($"{peer.Engine.Get<LearningExtensions.TaskTypes>().Path.ToStringWithoutAddress()}/*/{taskType}/runs").ResolveOne(TimeSpan.FromMilliseconds(200));
            return true;
        }
        catch (ActorNotFoundException)
        {
            return false;
        }
    }

    private static async Task<IReadOnlyCollection<string>> Ids(LearningPeer peer, string taskType)
    {
        var reply = await peer.Engine.Get<LearningExtensions.TaskTypes>().Ask<TrajectorySyncReply>(
            new TaskTypeMessages.Compare(new TrajectorySyncRequest { TaskType = taskType, Prefixes = { ByteString.Empty } }), EngineFixture.Timeout);
        return [.. reply.Ranges[0].Ids.Select(id => Convert.ToHexStringLower(id.Span))];
    }

    private static TrajectoryCommands.Record Record(string taskType, double reward, string input, string parameters) => new(
        taskType, input, [new("tool", "12D3KooWProvider/docs-search", null, parameters, "…", Amount.MicroUsdc(3_000), TimeSpan.FromMilliseconds(20), true, null)], "done", reward, null);
}
