using Hyperspace.Actors.Guard;
using Hyperspace.Contracts;
using Hyperspace.Contracts.State;
using static Hyperspace.Tests.State.Sessions;

namespace Hyperspace.Tests.Guard;

public class GuardPolicyTests
{
    [Theory]
    [InlineData("read", true)]
    [InlineData("peer/search", true)]
    [InlineData("peer/", true)]
    [InlineData("peer/delete", false)]
    [InlineData("reading", false)]
    [InlineData("", false)]
    public void Lists_hold_whole_names_and_prefixes_and_denying_wins(string operation, bool allowed)
    {
        var policy = new GuardPolicy { Allow = ["read", "peer/*"], Deny = ["peer/delete"] };
        Assert.Equal(allowed ? null : ErrorCodes.OperationDenied, policy.Check(GuardState.Empty, operation, null, Start)?.Code);
    }

    [Fact]
    public void A_session_begins_only_so_many_operations_in_a_second()
    {
        var session = Begun(100, new GuardPolicy { MaxOperationsPerSecond = 3 });
        for (var i = 0; i < 3; i++)
            Assert.Null(session.Do(Reserve($"r{i}", 1), TimeSpan.FromMilliseconds(100)).Refusal);
        Assert.Equal(ErrorCodes.RateLimited, session.Do(Reserve("r3", 1)).Refusal?.Code);
        Assert.Equal(ErrorCodes.RateLimited, session.Check("a", 0).Code);
        Assert.Null(session.Do(Reserve("r3", 1), TimeSpan.FromSeconds(1)).Refusal);
    }

    [Fact]
    public void A_clock_that_was_put_back_begins_a_window()
    {
        var state = GuardState.Empty.Began(Start).Began(Start);
        Assert.Equal((2, 0), (state.OperationsAt(Start), state.OperationsAt(Start.AddHours(-1))));
        Assert.Equal(1, state.Began(Start.AddHours(-1)).OperationsAt(Start.AddHours(-1)));
    }

    [Fact]
    public void The_same_failing_call_is_refused_after_so_many_times_in_a_row_until_something_changes()
    {
        var session = Begun(100, new GuardPolicy { MaxRepeatedFailures = 3 });
        for (var i = 0; i < 3; i++)
            Call(session, $"r{i}", "search", "h1", Work(ok: false, error: "TOOL_FAILED no such index"));
        Assert.Equal(ErrorCodes.LoopDetected, session.Do(Reserve("r3", 0, "search", "h1")).Refusal?.Code);
        Assert.Null(session.Do(Reserve("other input", 0, "search", "h2")).Refusal);
        Assert.Null(session.Do(Reserve("other operation", 0, "fetch", "h1")).Refusal);
        Assert.Null(session.Do(Reserve("not looked at", 0, "search")).Refusal);
        session.Do(new SessionCommands.Commit(Id, "other input", Micro(0), Work()));
        Assert.Null(session.Do(Reserve("again", 0, "search", "h1")).Refusal);
    }

    [Theory]
    [InlineData("PEER_UNREACHABLE it is away")]
    [InlineData("TIMEOUT after 5 s")]
    [InlineData("PAYMENT_PENDING nobody knows")]
    public void Failures_of_the_network_are_no_loop(string error)
    {
        var session = Begun(100, new GuardPolicy { MaxRepeatedFailures = 2 });
        for (var i = 0; i < 10; i++)
            Call(session, $"r{i}", "search", "h1", Work(ok: false, error: error));
    }

    private static void Call(Session session, string reservation, string operation, string inputHash, TraceStep step)
    {
        Assert.Null(session.Do(Reserve(reservation, 0, operation, inputHash), TimeSpan.FromSeconds(1)).Refusal);
        Assert.Null(session.Do(new SessionCommands.Release(Id, reservation, step)).Refusal);
    }
}
