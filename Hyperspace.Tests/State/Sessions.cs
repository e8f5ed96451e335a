using Hyperspace.Actors.Guard;
using Hyperspace.Actors.State;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Tests.State;

/// <summary>Short words for sessions' tests.</summary>
internal static class Sessions
{
    public const string Id = "s-1";
    public static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static Amount Micro(ulong micro) => Amount.MicroUsdc(micro);

    public static SessionCommands.Reserve Reserve(string reservation, ulong amount, string operation = "a", string? inputHash = null) =>
        new(Id, reservation, Micro(amount), operation, null, inputHash);

    public static TraceStep Work(bool ok = true, string? error = null) =>
        new(0, "tool", "a", Start, TimeSpan.FromMilliseconds(12), Micro(0), ok, error, "{\"q\":1}", ok ? "found" : null);

    public static Session Begun(ulong max, GuardPolicy? policy = null)
    {
        var session = new Session(policy);
        session.Do(new SessionCommands.Begin(Id, "agent", Micro(max), "{}"));
        return session;
    }

    /// <summary>A session without an actor: a state, a journal in memory and a clock that the test moves.</summary>
    public sealed class Session(GuardPolicy? policy = null)
    {
        private readonly GuardPolicy _policy = policy ?? new GuardPolicy();
        private DateTimeOffset _now = Start;

        public SessionState? State { get; private set; }

        public List<ISessionEvent> Events { get; } = [];

        public SessionDecision Do(ISessionMessage command, TimeSpan? after = null)
        {
            _now += after ?? TimeSpan.Zero;
            var decision = SessionState.Decide(State, command, _policy, _now);
            if (decision.Event is { } happened)
            {
                Events.Add(happened);
                State = SessionState.Apply(State, happened);
            }

            return decision;
        }

        public GuardVerdict Check(string operation, ulong cost) => State!.Check(new SessionCommands.Check(Id, operation, Micro(cost)), _policy, _now);
    }
}
