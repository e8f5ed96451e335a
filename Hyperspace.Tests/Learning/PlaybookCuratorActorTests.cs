using Akka.Actor;
using Akka.TestKit;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>The curator on a real journal; the test is its parent and sees what it says.</summary>
public class PlaybookCuratorActorTests
{
    [Fact]
    public async Task Only_bullets_that_were_handed_out_are_credited_and_only_as_a_delta()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var (curator, parent) = Curator(peer);
        curator.Tell(new TaskTypeMessages.TakeIn(Runs.Delta(2, "Ask twice.", 4, 1)));
        curator.Tell(new TaskTypeMessages.TakeIn(Runs.Delta(3, "Wait for a while.", 2, 0)));
        var run = Runs.Kept(1, 1.0, "yamux");
        curator.Tell(new PlaybookMessages.RunFinished(run, [IdOf("Ask twice."), IdOf("Nobody said this.")]));

        var count = Assert.Single(Said(parent).Bullets);
        Assert.Equal(("Ask twice.", 1UL, 0UL), (count.Text, count.Helpful, count.Harmful));
        Assert.Equal([run.Id], count.Sources);
        var bullets = (await curator.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType), EngineFixture.Timeout)).Bullets;
        Assert.Equal([("Ask twice.", 5UL), ("Wait for a while.", 2UL)], bullets.Select(bullet => (bullet.Text, bullet.Helpful)).Order());

        // The same run once more says nothing new.
        curator.Tell(new PlaybookMessages.RunFinished(run, [IdOf("Ask twice.")]));
        curator.Tell(new PlaybookMessages.RunFinished(Runs.Kept(1, 0.0, "noise"), [IdOf("Ask twice.")]));
        var worse = Said(parent).Bullets[0];
        Assert.Equal((1UL, 1UL), (worse.Helpful, worse.Harmful));
    }

    [Fact]
    public async Task A_run_that_is_told_again_counts_once_also_after_a_restart_and_more_runs_than_a_bullet_names()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var (curator, parent) = Curator(peer);
        curator.Tell(new TaskTypeMessages.TakeIn(Runs.Delta(2, "Ask twice.", 4, 1)));
        var runs = Enumerable.Range(0, PlaybookRules.MaxSources + 4).Select(i => Runs.Kept(1, 1.0, "yamux", i)).ToList();
        for (var round = 0; round < 2; round++)
        {
            foreach (var run in runs)
            {
                curator.Tell(new PlaybookMessages.RunFinished(run, [IdOf("Ask twice.")]));
                Assert.Equal(run.Id, parent.FishForMessage<TrajectoryMessages.OwnRunReflected>(_ => true, EngineFixture.Timeout).TrajectoryId);
            }

            parent.Watch(curator);
            curator.Tell(StopEntity.Instance);
            parent.ExpectTerminated(curator, EngineFixture.Timeout);
            (curator, parent) = Curator(peer);
        }

        curator.Tell(new PlaybookMessages.RunFinished(Runs.Kept(1, 1.0, "noise"), [IdOf("Ask twice.")]));
        Assert.Equal((ulong)runs.Count + 1, Said(parent).Bullets[0].Helpful);
    }

    [Fact]
    public async Task What_does_no_good_is_pruned_by_a_tombstone_that_outlives_a_restart_and_the_words_of_stale_peers()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var (curator, parent) = Curator(peer);
        var stale = Runs.Delta(2, "Guess.", 2, 0, 1);
        curator.Tell(new TaskTypeMessages.TakeIn(Runs.Delta(2, "Guess.", 2, 3, 2)));
        var tombstone = Assert.Single(Said(parent).Tombstones);
        Assert.Equal(IdOf("Guess."), tombstone.BulletId);
        Assert.Equal([(Runs.Author(2).PeerId.ToString(), 2UL, 3UL)], tombstone.Seen.Select(seen => (seen.Author, seen.Helpful, seen.Harmful)));

        parent.Watch(curator);
        curator.Tell(StopEntity.Instance);
        parent.ExpectTerminated(curator, EngineFixture.Timeout);
        (curator, _) = Curator(peer);
        curator.Tell(new TaskTypeMessages.TakeIn(stale));
        curator.Tell(new TaskTypeMessages.TakeIn(Runs.Delta(2, "Guess.", 9, 3, 3)));
        Assert.Empty((await curator.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType), EngineFixture.Timeout)).Bullets);
    }

    private static string IdOf(string text) => PlaybookRules.IdOf(Runs.TaskType, "insights", text);

    private static PlaybookDelta Said(TestProbe parent) =>
        PlaybookDelta.Parser.ParseFrom(parent.FishForMessage<TrajectoryMessages.Publish>(_ => true, EngineFixture.Timeout).Envelope.Payload.Span);

    private static (IActorRef Curator, TestProbe Parent) Curator(LearningPeer peer)
    {
        var kit = new Akka.TestKit.Xunit2.TestKit(peer.Engine.System);
        var parent = kit.CreateTestProbe();
        parent.IgnoreMessages(message => message is TrajectoryMessages.ShareAlso);
        var services = new LearningServices(
            new TrajectoryServices(peer.Identity, new HybridClock(peer.Time), peer.Time, null!, null!, null!, TimeSpan.FromMinutes(1), new Random(1)), new LearningOptions(), new ContrastReflector(), new OutcomeReflector(), ActorRefs.Nobody, null);
        var reflector = peer.Engine.System.ActorOf(Props.Create(() => new ReflectorActor(services.RunReflector)));
        var curator = parent.ChildActorOf(Props.Create(() => new PlaybookCuratorActor(Runs.TaskType, services, reflector)));
        curator.Tell(new TrajectoryMessages.ExperienceChanged([], 0));
        return (curator, parent);
    }
}
