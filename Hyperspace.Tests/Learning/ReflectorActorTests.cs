using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

public class ReflectorActorTests : PatientTestKit
{
    [Theory]
    [InlineData(1.0, "Helpful")]
    [InlineData(0.5, "Neutral")]
    [InlineData(0.0, "Harmful")]
    public void Without_a_model_the_outcome_is_credited_to_the_bullets_that_were_used(double reward, string expected)
    {
        var reflector = Sys.ActorOf(Props.Create(() => new ReflectorActor(new OutcomeReflector())));
        var finished = ChatReflectorTests.Finished(reward);
        reflector.Tell(finished, TestActor);
        var reflected = ExpectMsg<PlaybookMessages.Reflected>();
        Assert.Equal(finished.Run.Id, reflected.TrajectoryId);
        Assert.Equal(["id1", "id2", "id3"], reflected.Reflection.Tags.Select(tag => tag.BulletId));
        Assert.All(reflected.Reflection.Tags, tag => Assert.Equal(expected, tag.Effect.ToString()));
    }

    [Fact]
    public void A_model_that_fails_costs_no_credit_and_the_warning_holds_nothing_that_it_said()
    {
        var model = new Model(_ => throw new InvalidOperationException("sk-secret"));
        var reflector = Sys.ActorOf(Props.Create(() => new ReflectorActor(model)));
        Sys.EventStream.Subscribe(TestActor, typeof(Warning));
        reflector.Tell(ChatReflectorTests.Finished(1.0), TestActor);
        var told = new[] { ExpectMsg<object>(), ExpectMsg<object>() };
        Assert.Equal(BulletEffect.Helpful, told.OfType<PlaybookMessages.Reflected>().Single().Reflection.Tags[0].Effect);
        var warning = told.OfType<Warning>().Single().ToString();
        Assert.Contains("InvalidOperationException", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void More_runs_than_wait_are_judged_by_their_outcome_the_oldest_first_and_none_is_lost()
    {
        var answers = new BlockingCollection<Reflection>();
        var model = new Model(_ => answers.Take());
        var reflector = Sys.ActorOf(Props.Create(() => new ReflectorActor(model)));
        var runs = Enumerable.Range(0, ReflectorActor.MaxWaiting + 4).Select(i => new FinishedRun(Runs.TaskType, Runs.Kept(1, 1.0, $"goal {i}", i), ChatReflectorTests.Bullets)).ToList();
        runs.ForEach(run => reflector.Tell(run, TestActor));

        // The first one is with the model; of the others the newest wait.
        var dropped = ReceiveN(3).Cast<PlaybookMessages.Reflected>().Select(reflected => reflected.TrajectoryId);
        Assert.Equal(runs.Skip(1).Take(3).Select(run => run.Run.Id), dropped);
        answers.Add(Reflection.None);
        var first = ExpectMsg<PlaybookMessages.Reflected>();
        Assert.Equal((runs[0].Run.Id, 0), (first.TrajectoryId, first.Reflection.Tags.Count));

        // Who stops it gets the credits of the rest.
        Watch(reflector);
        reflector.Tell(StopEntity.Instance);
        var rest = ReceiveN(ReflectorActor.MaxWaiting).Cast<PlaybookMessages.Reflected>().ToList();
        Assert.Equal(runs.Skip(4).Select(run => run.Run.Id), rest.Select(reflected => reflected.TrajectoryId));
        Assert.All(rest, reflected => Assert.Equal(3, reflected.Reflection.Tags.Count));
        ExpectTerminated(reflector);
        answers.CompleteAdding();
    }

    [Fact]
    public async Task What_a_model_learns_from_an_own_run_is_signed_gossiped_and_in_the_playbook()
    {
        await using var stub = await StubModel.StartAsync();
        stub.Says = _ => """{"tags":[],"insights":[{"section":"strategies","text":"Ask for one page at a time."}]}""";
        await using var peer = await LearningPeer.StartAsync(1, options: new LearningOptions { Reflector = new ModelEndpoint(ModelWire.Ollama, stub.Url, "m", null) });
        await peer.Ask<TrajectoryRecorded>(new TrajectoryCommands.Record(
            Runs.TaskType, "yamux", [new("tool", "12D3KooWProvider/docs-search", null, "{}", "…", Amount.MicroUsdc(1), TimeSpan.Zero, true, null)], "done", 1.0, null));

        SignedEnvelope envelope;
        do
        {
            envelope = SignedEnvelope.Open((await peer.Said<GossipCommands.Publish>()).Data, Runs.Now, out _)!;
        }
        while (envelope.Type != EnvelopeTypes.PlaybookDelta);
        var count = Assert.Single(PlaybookDelta.Parser.ParseFrom(envelope.Payload.Span).Bullets);
        Assert.Equal(("strategies", "Ask for one page at a time.", 0UL, 0UL), (count.Section, count.Text, count.Helpful, count.Harmful));
        Assert.Contains((await peer.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(Runs.TaskType))).Bullets, bullet => bullet is { Section: "strategies", Score: 0.5, Authors: 1 });
    }

    private sealed class Model(Func<FinishedRun, Reflection> says) : IRunReflector
    {
        public Task<Reflection> ReflectAsync(FinishedRun finished, CancellationToken cancellationToken) => Task.FromResult(says(finished));
    }
}
