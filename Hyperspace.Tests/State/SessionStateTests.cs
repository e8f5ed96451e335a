using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.State;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using static Hyperspace.Tests.State.Sessions;

namespace Hyperspace.Tests.State;

public class SessionStateTests
{
    [Property(Arbitrary = [typeof(Commands)], MaxTest = 500)]
    public void Whatever_is_asked_in_whatever_order_spent_and_reserved_stay_within_the_budget(Step[] steps)
    {
        var model = new Model(100);
        var session = new Session();
        foreach (var step in steps)
        {
            var expected = model.Do(step);
            var decision = session.Do(CommandOf(step), TimeSpan.FromMilliseconds(step.Milliseconds));
            Assert.Equal(expected, decision.Refusal?.Code);
            if (session.State is { } state)
            {
                Assert.True(state.Spent + state.Reserved <= state.Begun.Max);
                Assert.Equal(model.Spent, state.Spent.MicroUnits);
                Assert.Equal(model.Reserved, state.Reserved.MicroUnits);
                Assert.Equal(state.Spent.MicroUnits, state.Trace.Aggregate(0UL, (sum, s) => sum + s.Cost.MicroUnits));
                Assert.Equal(Enumerable.Range(0, state.Trace.Count), state.Trace.Select(s => s.Index));
                var view = state.View(withTrace: true).Budget;
                Assert.Equal(view.Max, view.Spent + view.Reserved + view.Remaining);
            }
        }
    }

    [Property(Arbitrary = [typeof(Commands)], MaxTest = 200)]
    public void Replaying_the_journal_or_its_snapshot_gives_the_same_state(Step[] steps)
    {
        var session = new Session();
        foreach (var step in steps)
            session.Do(CommandOf(step), TimeSpan.FromMilliseconds(step.Milliseconds));
        if (session.State is null)
            return;

        var format = SessionFormat.Format;
        var replayed = session.Events
            .Select(e => (ISessionEvent)format.FromBytes(format.ManifestOf(e), format.ToBytes(e)))
            .Aggregate((SessionState?)null, SessionState.Apply)!;
        var restored = (SessionState)format.FromBytes("session-snapshot:1", format.ToBytes(session.State));
        foreach (var other in new[] { replayed, restored })
        {
            Assert.Equal(format.ToBytes(session.State), format.ToBytes(other));
            Assert.Equal(session.State.Spent, other.Spent);
            Assert.Equal(session.State.Reserved, other.Reserved);
            Assert.Equal(session.State.TraceTextBytes, other.TraceTextBytes);
            Assert.Equal(session.State.Trace, other.Trace);
        }
    }

    [Property(Arbitrary = [typeof(Commands)], MaxTest = 300)]
    public void A_command_that_was_carried_out_does_nothing_when_it_comes_again(Step[] steps)
    {
        var session = new Session();
        foreach (var step in steps)
        {
            var command = CommandOf(step);
            if (session.Do(command, TimeSpan.FromMilliseconds(step.Milliseconds)).Event is null)
                continue;
            var again = session.Do(command, TimeSpan.Zero);
            Assert.Null(again.Event);
            Assert.Null(again.Refusal);
        }
    }

    [Fact]
    public void Before_it_begins_a_session_is_not_found()
    {
        foreach (var command in new ISessionMessage[]
        {
            Reserve("r", 1), new SessionCommands.Commit(Id, "r", Micro(1), Work()), new SessionCommands.Release(Id, "r", Work()),
            new SessionCommands.Check(Id, "a", Micro(1)), new SessionCommands.End(Id, null), new SessionCommands.Get(Id),
        })
        {
            Assert.Equal(ErrorCodes.SessionNotFound, new Session().Do(command).Refusal?.Code);
        }
    }

    [Fact]
    public void Beginning_again_needs_the_same_terms()
    {
        var session = Begun(100);
        Assert.Equal(default, session.Do(new SessionCommands.Begin(Id, "agent", Micro(100), "{}")));
        Assert.Equal(ErrorCodes.Conflict, session.Do(new SessionCommands.Begin(Id, "agent", Micro(101), "{}")).Refusal?.Code);
        Assert.Equal(ErrorCodes.Conflict, session.Do(new SessionCommands.Begin(Id, "other", Micro(100), "{}")).Refusal?.Code);
        Assert.Equal(ErrorCodes.Conflict, session.Do(new SessionCommands.Begin(Id, "agent", Micro(100), null)).Refusal?.Code);
    }

    [Fact]
    public void An_ended_session_reserves_nothing_but_settles_what_is_open()
    {
        var session = Begun(100);
        session.Do(Reserve("r", 60));
        session.Do(Reserve("s", 10));
        session.Do(new SessionCommands.End(Id, "first"));
        session.Do(new SessionCommands.End(Id, "second"));
        Assert.Equal("first", session.State!.View(false).Result);
        Assert.Equal(ErrorCodes.SessionEnded, session.Do(Reserve("t", 1)).Refusal?.Code);
        Assert.Null(session.Do(new SessionCommands.Commit(Id, "r", Micro(50), Work())).Refusal);
        Assert.Null(session.Do(new SessionCommands.Release(Id, "s", Work())).Refusal);
        Assert.Equal(new BudgetView(Micro(100), Micro(50), Micro(0), Micro(50)), session.State!.View(false).Budget);
    }

    [Fact]
    public void A_cost_over_the_reservation_is_refused_and_nothing_changes()
    {
        var session = Begun(100);
        session.Do(Reserve("r", 10));
        Assert.Equal(ErrorCodes.BudgetExceeded, session.Do(new SessionCommands.Commit(Id, "r", Micro(11), Work())).Refusal?.Code);
        Assert.Equal(Micro(10), session.State!.Reserved);
        Assert.Equal(ErrorCodes.InvalidAmount, session.Do(new SessionCommands.Commit(Id, "r", new Amount(1, Currency.Parse("EUR")), Work())).Refusal?.Code);
        Assert.Equal(ErrorCodes.Conflict, session.Do(new SessionCommands.Commit(Id, "unknown", Micro(1), Work())).Refusal?.Code);
    }

    [Fact]
    public void Amounts_of_another_currency_or_over_the_largest_one_are_refused()
    {
        var session = Begun(100);
        Assert.Equal(ErrorCodes.InvalidAmount, session.Do(new SessionCommands.Reserve(Id, "r", new Amount(1, Currency.Parse("EUR")), "a", null)).Refusal?.Code);
        Assert.Equal(ErrorCodes.BudgetExceeded, session.Do(Reserve("r", ulong.MaxValue)).Refusal?.Code);
        Assert.Equal(ErrorCodes.InvalidAmount, new Session().Do(new SessionCommands.Begin(Id, null, new Amount(ulong.MaxValue, Currency.Usdc), null)).Refusal?.Code);
    }

    [Fact]
    public void Free_operations_are_reserved_and_traced_too()
    {
        var session = Begun(0);
        Assert.Null(session.Do(Reserve("r", 0)).Refusal);
        session.Do(new SessionCommands.Commit(Id, "r", Micro(0), Work()));
        Assert.Single(session.State!.Trace);
    }

    [Fact]
    public void Long_texts_of_the_trace_are_cut_at_whole_characters_and_say_so()
    {
        var session = Begun(100);
        session.Do(Reserve("r", 0));
        session.Do(new SessionCommands.Commit(Id, "r", Micro(0), Work() with { Input = string.Concat(Enumerable.Repeat("🙂", 10_000)), Output = "short" }));
        var step = session.State!.Trace[0];
        Assert.InRange(SessionLimits.BytesOf(step.Input), 16_000, SessionLimits.StepTextBytes);
        Assert.StartsWith("🙂🙂", step.Input, StringComparison.Ordinal);
        Assert.EndsWith("of 40000 bytes]", step.Input, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', step.Input!);
        Assert.Equal("short", step.Output);
    }

    [Fact]
    public void Steps_their_text_open_reservations_and_contexts_are_bounded()
    {
        Assert.Equal(ErrorCodes.TooLarge, new Session().Do(new SessionCommands.Begin(Id, null, Micro(1), new string('x', 65_537))).Refusal?.Code);
        var session = Begun(100, new GuardPolicy { MaxOperationsPerSecond = int.MaxValue });
        Assert.Equal(ErrorCodes.TooLarge, session.Do(new SessionCommands.End(Id, new string('x', 65_537))).Refusal?.Code);
        Assert.Equal(ErrorCodes.InvalidParams, session.Do(Reserve(new string('x', 257), 0)).Refusal?.Code);

        var text = new string('x', SessionLimits.StepTextBytes);
        for (var i = 0; i < SessionLimits.Steps - SessionLimits.OpenReservations; i++)
        {
            session.Do(Reserve($"r{i}", 0));
            Assert.Null(session.Do(new SessionCommands.Commit(Id, $"r{i}", Micro(0), Work() with { Output = text })).Refusal);
        }

        Assert.InRange(session.State!.TraceTextBytes, SessionLimits.TraceTextBytes - SessionLimits.StepTextBytes, SessionLimits.TraceTextBytes);
        Assert.Equal(SessionLimits.LeftOut, session.State.Trace[^1].Output);
        for (var i = 0; i < SessionLimits.OpenReservations; i++)
            Assert.Null(session.Do(Reserve($"open{i}", 0)).Refusal);
        Assert.Equal(ErrorCodes.TooLarge, session.Do(Reserve("one more", 0)).Refusal?.Code);
        Assert.Null(session.Do(new SessionCommands.Release(Id, "open0", Work())).Refusal);
        Assert.Equal(ErrorCodes.TooLarge, session.Do(Reserve("one more", 0)).Refusal?.Code);
        var snapshot = SessionFormat.Format.ToBytes(session.State);
        Assert.InRange(snapshot.Length, SessionLimits.TraceTextBytes, Hyperspace.Actors.Engine.EngineExtensions.MaxFrameBytes);

        var busy = Begun(100);
        for (var i = 0; i < SessionLimits.OpenReservations; i++)
            busy.Do(Reserve($"r{i}", 0));
        Assert.Equal(ErrorCodes.RateLimited, busy.Do(Reserve("one more", 0)).Refusal?.Code);
    }

    [Fact]
    public void A_check_tells_what_a_reservation_would_and_changes_nothing()
    {
        var session = Begun(100, new GuardPolicy { Deny = ["rm*"] });
        session.Do(Reserve("r", 60));
        var before = session.State;
        Assert.Equal(new GuardVerdict(true, null, null, Micro(40)), session.Check("a", 40));
        Assert.Equal((false, ErrorCodes.BudgetExceeded), (session.Check("a", 41).Allowed, session.Check("a", 41).Code));
        Assert.Equal(ErrorCodes.OperationDenied, session.Check("rm -r", 0).Code);
        Assert.Same(before, session.State);
        session.Do(new SessionCommands.End(Id, null));
        Assert.Equal(ErrorCodes.SessionEnded, session.Check("a", 0).Code);
    }

    /// <summary>One random command: what kind, on which reservation, with which amount, after how long.</summary>
    public sealed record Step(int Kind, int Reservation, int Amount, int Milliseconds);

    public static class Commands
    {
        public static Arbitrary<Step[]> Steps() => (
            from kind in Gen.Frequency((1, Gen.Constant(0)), (10, Gen.Constant(1)), (8, Gen.Constant(2)), (4, Gen.Constant(3)), (1, Gen.Constant(4)), (2, Gen.Constant(5)))
            from reservation in Gen.Choose(0, 9)
            from amount in Gen.Choose(0, 45)
            from milliseconds in Gen.Choose(0, 700)
            select new Step(kind, reservation, amount, milliseconds)).ArrayOf().Select(steps => steps.Prepend(new Step(0, 0, 0, 0)).ToArray()).ToArbitrary();
    }

    private static ISessionMessage CommandOf(Step step) => step.Kind switch
    {
        0 => new SessionCommands.Begin(Id, "agent", Micro(100), "{}"),
        1 => Reserve($"r{step.Reservation}", (ulong)step.Amount),
        2 => new SessionCommands.Commit(Id, $"r{step.Reservation}", Micro((ulong)step.Amount), Work()),
        3 => new SessionCommands.Release(Id, $"r{step.Reservation}", Work()),
        4 => new SessionCommands.End(Id, $"{step.Amount}"),
        _ => new SessionCommands.Get(Id),
    };

    /// <summary>The rules once more, as plainly as they go.</summary>
    private sealed class Model(ulong max)
    {
        private readonly Dictionary<int, ulong> _open = [];
        private readonly Dictionary<int, ulong> _settled = [];
        private bool _ended;

        public ulong Spent => _settled.Values.Aggregate(0UL, (a, b) => a + b);

        public ulong Reserved => _open.Values.Aggregate(0UL, (a, b) => a + b);

        public string? Do(Step step)
        {
            var (id, amount) = (step.Reservation, (ulong)step.Amount);
            switch (step.Kind)
            {
                case 1 when _open.TryGetValue(id, out var same):
                    return same == amount ? null : ErrorCodes.Conflict;
                case 1 when _settled.ContainsKey(id):
                    return ErrorCodes.Conflict;
                case 1 when _ended:
                    return ErrorCodes.SessionEnded;
                case 1 when Spent + Reserved + amount > max:
                    return ErrorCodes.BudgetExceeded;
                case 1:
                    _open.Add(id, amount);
                    return null;
                case 2 or 3 when _settled.ContainsKey(id):
                    return null;
                case 2 or 3 when !_open.ContainsKey(id):
                    return ErrorCodes.Conflict;
                case 2 when amount > _open[id]:
                    return ErrorCodes.BudgetExceeded;
                case 2 or 3:
                    _open.Remove(id);
                    _settled.Add(id, step.Kind == 2 ? amount : 0);
                    return null;
                case 4:
                    _ended = true;
                    return null;
                default:
                    return null;
            }
        }
    }
}
