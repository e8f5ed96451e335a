using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Learning;

/// <summary>The working set on a real store; the test is its parent and sees what it says.</summary>
public class TrustedRunsTests
{
    [Fact]
    public async Task Runs_that_strangers_displaced_come_back_once_their_authors_word_counts()
    {
        await using var peer = await LearningPeer.StartAsync(1);
        var folder = Directory.CreateTempSubdirectory("hyperspace-trusted-").FullName;
        var trust = new OneAuthor(Runs.Author(2).PeerId.ToString());
        await using (var store = new ExperienceStore(folder, peer.Identity.PeerId.ToString(), new ExperienceLimits(), NullLogger.Instance, author => trust.WeightOf(author) > 0))
        {
            // The pool of large runs is the smallest.
            var text = new string('x', TrajectoryRules.MaxSharedBytes);
            var proven = Runs.SealedBy(Runs.Author(2), 0.8, "proven", text);
            await store.KeepAsync(proven);
            await Task.WhenAll(Enumerable.Range(0, TrajectoryLimits.Default.LargeRuns).Select(_ => store.KeepAsync(Runs.SealedBy(KeyPair.Generate(), 1.0, "best", text))));

            var kit = new Akka.TestKit.Xunit2.TestKit(peer.Engine.System);
            var parent = kit.CreateTestProbe();
            var services = new TrajectoryServices(peer.Identity, new HybridClock(peer.Time), peer.Time, null!, store, null!, TimeSpan.FromMinutes(1), new Random(1));
            var registry = peer.Engine.Services.GetRequiredService<ActorRegistry>();
            var runs = parent.ChildActorOf(Props.Create(() => new TrajectoryActor(Runs.TaskType, services, trust, registry)));
            Assert.DoesNotContain(proven.Id, Kept());

            trust.Found();
            runs.Tell(TrajectoryMessages.LookAtTrust.Instance);
            Assert.Contains(proven.Id, Kept());
            parent.Watch(runs);
            runs.Tell(StopEntity.Instance);
            parent.ExpectTerminated(runs, EngineFixture.Timeout);

            IEnumerable<string> Kept() => parent.FishForMessage<TrajectoryMessages.ExperienceChanged>(_ => true, EngineFixture.Timeout).BestFirst.Select(run => run.Id);
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Nobody's word counts until one author's does.</summary>
    private sealed class OneAuthor(string author) : ITrust
    {
        private volatile bool _found;

        public long Version => _found ? 1 : 0;

        public void Found() => _found = true;

        public double WeightOf(string peerId) => _found && peerId == author ? 1 : 0;

        public double EarnedBy(string peerId) => WeightOf(peerId);

        public double WitnessWeightOf(string peerId) => WeightOf(peerId);

        public double ReputationOf(string peerId) => 0.5;
    }
}
