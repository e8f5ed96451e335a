using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.State;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Tests.Engine;
using static Hyperspace.Tests.State.Sessions;

namespace Hyperspace.Tests.State;

public class SessionActorTests
{
    [Fact]
    public async Task A_session_with_its_budget_trace_and_context_survives_a_restart()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions());
        var begun = await Ask<SessionView>(engine, new SessionCommands.Begin(Id, "agent", Micro(100), "{\"goal\":1}"));
        Assert.Equal((SessionStatus.Active, Micro(100)), (begun.Status, begun.Budget.Remaining));
        Assert.Equal(Micro(70), (await Ask<Reserved>(engine, Reserve("r", 30))).Remaining);
        var committed = await Ask<SessionView>(engine, new SessionCommands.Commit(Id, "r", Micro(20), Work()));
        Assert.Empty(committed.Trace);
        var before = await Ask<SessionView>(engine, new SessionCommands.Get(Id));

        await engine.RestartAsync();
        var after = await Ask<SessionView>(engine, new SessionCommands.Get(Id));
        Assert.Equal(before.Trace, after.Trace);
        Assert.Equal(before with { Trace = [] }, after with { Trace = [] });
        Assert.Equal(new BudgetView(Micro(100), Micro(20), Micro(0), Micro(80)), after.Budget);
        Assert.Equal(Work() with { Cost = Micro(20) }, Assert.Single(after.Trace));

        Assert.Equal("done", (await Ask<SessionView>(engine, new SessionCommands.End(Id, "done"))).Result);
        await engine.RestartAsync();
        Assert.Equal(ErrorCodes.SessionEnded, (await Ask<Refusal>(engine, Reserve("late", 1))).Code);
        Assert.Equal(SessionStatus.Ended, (await Ask<SessionView>(engine, new SessionCommands.Get(Id))).Status);
    }

    [Fact]
    public async Task An_unknown_session_is_a_refusal()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions());
        Assert.Equal(ErrorCodes.SessionNotFound, (await Ask<Refusal>(engine, new SessionCommands.Get("nobody/../knows %00 it"))).Code);
    }

    [Fact]
    public async Task A_thousand_concurrent_reservations_never_pass_a_budget_of_a_hundred()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions());
        await Ask<SessionView>(engine, new SessionCommands.Begin(Id, null, Micro(100), null));
        var views = new ConcurrentBag<SessionView>();
        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            var answer = await Ask<object>(engine, Reserve($"r{i}", 1));
            if (i % 10 == 0)
                views.Add(await Ask<SessionView>(engine, new SessionCommands.Get(Id)));
            return answer;
        }));
        Assert.Equal(100, answers.OfType<Reserved>().Count());
        Assert.Equal(900, answers.OfType<Refusal>().Count(refusal => refusal.Code == ErrorCodes.BudgetExceeded));
        Assert.All(views, view => Assert.True(view.Budget.Spent + view.Budget.Reserved <= view.Budget.Max));
        Assert.All(answers.OfType<Reserved>(), reserved => Assert.InRange(reserved.Remaining.MicroUnits, 0UL, 99UL));
        Assert.Equal(Micro(100), (await Ask<SessionView>(engine, new SessionCommands.Get(Id))).Budget.Reserved);
    }

    [Fact]
    public async Task A_long_session_comes_back_from_its_snapshot()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions(new SessionOptions { SnapshotEvery = 10 }));
        await Ask<SessionView>(engine, new SessionCommands.Begin(Id, null, Micro(100), null));
        for (var i = 0; i < 12; i++)
        {
            await Ask<Reserved>(engine, Reserve($"r{i}", 5));
            await Ask<SessionView>(engine, new SessionCommands.Commit(Id, $"r{i}", Micro((ulong)i % 3), Work()));
        }

        await Eventually.TrueAsync(() => Count(engine, "SELECT COUNT(*) FROM snapshot") >= 1, what: "a snapshot is written");
        var before = await Ask<SessionView>(engine, new SessionCommands.Get(Id));
        await engine.RestartAsync();
        var after = await Ask<SessionView>(engine, new SessionCommands.Get(Id));
        Assert.Equal(before.Trace, after.Trace);
        Assert.Equal(before.Budget, after.Budget);
    }

    [Fact]
    public async Task After_a_crash_open_reservations_are_settled_by_what_the_payer_channel_knows()
    {
        var channels = new ConcurrentDictionary<string, PaymentSettled>();
        var asked = new ConcurrentQueue<string>();
        await using var engine = await EngineFixture.StartAsync(builder => builder
            .WithSessions(new SessionOptions { FirstResolveDelay = TimeSpan.FromMilliseconds(50), LastResolveDelay = TimeSpan.FromMilliseconds(100) })
            .WithActors((system, registry) => registry.Register<ActorKeys.PayerChannels>(system.ActorOf(Props.Create(() => new KnowingChannels(channels, asked))))));
        await Ask<SessionView>(engine, new SessionCommands.Begin(Id, null, Micro(100), null));
        foreach (var (reservation, channel) in new[] { ("paid", "c"), ("refused", "c"), ("pending", "c"), ("free", null) })
            await Ask<Reserved>(engine, new SessionCommands.Reserve(Id, reservation, Micro(10), "peer/tool", channel));
        Assert.Equal(Micro(40), (await Ask<SessionView>(engine, new SessionCommands.Get(Id))).Budget.Reserved);

        channels["paid"] = new PaymentSettled("c", "paid", PaymentOutcome.Accepted, Micro(7));
        channels["refused"] = new PaymentSettled("c", "refused", PaymentOutcome.Refused, Micro(0));
        channels["pending"] = new PaymentSettled("c", "pending", PaymentOutcome.Unknown, Micro(0));
        await engine.RestartAsync();

        var view = await EventuallyView(engine, v => v.Trace.Count == 3);
        Assert.Equal(new BudgetView(Micro(100), Micro(7), Micro(10), Micro(83)), view.Budget);
        Assert.All(view.Trace, step => Assert.Contains("recovered after a crash", step.Error, StringComparison.Ordinal));
        await Eventually.TrueAsync(() => asked.Count(id => id == "pending") >= 3, what: "the channel is asked again for what it did not know");
        Assert.DoesNotContain("free", asked);

        channels["pending"] = new PaymentSettled("c", "pending", PaymentOutcome.Accepted, Micro(10));
        view = await EventuallyView(engine, v => v.Trace.Count == 4);
        Assert.Equal(new BudgetView(Micro(100), Micro(17), Micro(0), Micro(83)), view.Budget);

        // The invocation that was cut off may still tell what it knows: nothing is counted twice.
        Assert.Equal(view.Budget, (await Ask<SessionView>(engine, new SessionCommands.Commit(Id, "paid", Micro(10), Work()))).Budget);
        Assert.Equal(view.Budget, (await Ask<SessionView>(engine, new SessionCommands.Release(Id, "pending", Work()))).Budget);
    }

    [Fact]
    public async Task A_channel_that_claims_more_than_was_reserved_changes_nothing()
    {
        var channels = new ConcurrentDictionary<string, PaymentSettled> { ["r"] = new("c", "r", PaymentOutcome.Accepted, Micro(11)) };
        var asked = new ConcurrentQueue<string>();
        await using var engine = await EngineFixture.StartAsync(builder => builder
            .WithSessions()
            .WithActors((system, registry) => registry.Register<ActorKeys.PayerChannels>(system.ActorOf(Props.Create(() => new KnowingChannels(channels, asked))))));
        await Ask<SessionView>(engine, new SessionCommands.Begin(Id, null, Micro(100), null));
        await Ask<Reserved>(engine, new SessionCommands.Reserve(Id, "r", Micro(10), "peer/tool", "c"));
        await engine.RestartAsync();
        await Ask<SessionView>(engine, new SessionCommands.Get(Id));
        await Eventually.TrueAsync(() => !asked.IsEmpty, what: "the channel is asked");
        Assert.Equal(Micro(10), (await Ask<SessionView>(engine, new SessionCommands.Get(Id))).Budget.Reserved);
    }

    [Fact]
    public async Task An_idle_session_leaves_memory_only_when_nothing_is_open()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions(new SessionOptions { IdleAfter = TimeSpan.FromMilliseconds(150) }));
        foreach (var id in new[] { "idle", "busy" })
            await Ask<SessionView>(engine, new SessionCommands.Begin(id, null, Micro(100), null));
        await Ask<Reserved>(engine, new SessionCommands.Reserve("busy", "r", Micro(10), "a", null));
        var busy = await Find(engine, "busy");
        var idle = await Find(engine, "idle");
        var stopped = new TaskCompletionSource();
        engine.System.ActorOf(Props.Create(() => new Watcher(idle, stopped)));
        await stopped.Task.WaitAsync(EngineFixture.Timeout);

        // It has been idle for as long, and its reservation is neither lost nor taken for a crash's.
        Assert.Equal(busy, await Find(engine, "busy"));
        Assert.Equal(Micro(10), (await Ask<SessionView>(engine, new SessionCommands.Get("busy"))).Budget.Reserved);
        Assert.Equal(Micro(100), (await Ask<SessionView>(engine, new SessionCommands.Get("idle"))).Budget.Remaining);
    }

    [Fact]
    public async Task When_the_journal_takes_nothing_the_asker_is_told_and_the_budget_stays()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions());
        await Ask<SessionView>(engine, new SessionCommands.Begin(Id, null, Micro(100), null));
        engine.SetFull("journal.db", true);
        Assert.Equal(ErrorCodes.JournalFailed, (await Ask<Refusal>(engine, Reserve("r", 10))).Code);
        engine.SetFull("journal.db", false);
        Assert.Equal(Micro(100), (await Ask<SessionView>(engine, new SessionCommands.Get(Id))).Budget.Remaining);
        Assert.Equal(Micro(90), (await Ask<Reserved>(engine, Reserve("r", 10))).Remaining);
    }

    private static async Task<T> Ask<T>(EngineFixture engine, ISessionMessage command)
    {
        var answer = await engine.Get<ActorKeys.Sessions>().Ask<object>(command, EngineFixture.Timeout);
        return answer is T expected ? expected : throw new InvalidOperationException($"{command} was answered with {answer}.");
    }

    private static Task<IActorRef> Find(EngineFixture engine, string session) =>
        engine.System.ActorSelection($"/system/sharding/sessions/*/{session}").ResolveOne(EngineFixture.Timeout);

    private static Task<SessionView> EventuallyView(EngineFixture engine, Func<SessionView, bool> condition) =>
        Eventually.SeenAsync(() => Ask<SessionView>(engine, new SessionCommands.Get(Id)), condition, what: "the session is settled");

    private static long Count(EngineFixture engine, string sql) => engine.OnFile("journal.db", sql, command => (long)command.ExecuteScalar()!);

    private sealed class KnowingChannels : ReceiveActor
    {
        public KnowingChannels(ConcurrentDictionary<string, PaymentSettled> outcomes, ConcurrentQueue<string> asked) =>
            Receive<PayerChannelCommands.Resolve>(resolve =>
            {
                asked.Enqueue(resolve.RequestId);
                Sender.Tell(outcomes[resolve.RequestId]);
            });
    }

    private sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef watched, TaskCompletionSource stopped)
        {
            Context.Watch(watched);
            Receive<Terminated>(_ => stopped.SetResult());
        }
    }
}
