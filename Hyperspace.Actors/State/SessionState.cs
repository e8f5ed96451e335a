using System.Collections.Immutable;
using Hyperspace.Actors.Guard;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.State;

/// <summary>What a command leads to: at most one event, or a refusal; neither when all is as the command wants it already.</summary>
internal readonly record struct SessionDecision(ISessionEvent? Event, Refusal? Refusal)
{
    public static readonly SessionDecision Nothing;

    public static implicit operator SessionDecision(Refusal refusal) => new(null, refusal);

    public static SessionDecision Of(ISessionEvent happened) => new(happened, null);
}

/// <summary>
/// A session, pure: <see cref="Decide"/> never changes anything, <see cref="Apply"/> never refuses. Always
/// <c>Spent + Reserved ≤ Max</c>: an amount is set aside before an operation and committed or released after it.
/// </summary>
internal sealed record SessionState
{
    /// <summary>What it was begun with.</summary>
    public required SessionEvents.Begun Begun { get; init; }

    /// <summary>How it ended.</summary>
    public SessionEvents.Ended? Ended { get; init; }

    /// <summary>Sum of the costs of all committed operations.</summary>
    public required Amount Spent { get; init; }

    /// <summary>Sum of the open reservations.</summary>
    public required Amount Reserved { get; init; }

    /// <summary>Reservations that are neither committed nor released.</summary>
    public ImmutableDictionary<string, SessionEvents.AmountReserved> Open { get; init; } = ImmutableDictionary<string, SessionEvents.AmountReserved>.Empty;

    /// <summary>Ids of reservations that are; each has one step in <see cref="Trace"/>.</summary>
    public ImmutableHashSet<string> Settled { get; init; } = [];

    /// <summary>What was done, in order.</summary>
    public ImmutableList<TraceStep> Trace { get; init; } = [];

    /// <summary>Bytes of the inputs and outputs in <see cref="Trace"/>.</summary>
    public int TraceTextBytes { get; init; }

    /// <summary>What the guard remembers.</summary>
    public GuardState Guard { get; init; } = GuardState.Empty;

    /// <summary>What is neither spent nor reserved.</summary>
    public Amount Remaining => Begun.Max - Spent - Reserved;

    /// <summary>What a command leads to; <paramref name="state"/> is null before the session begins.</summary>
    public static SessionDecision Decide(SessionState? state, ISessionMessage command, GuardPolicy policy, DateTimeOffset now) => (state, command) switch
    {
        (null, SessionCommands.Begin begin) => DecideFirstBegin(begin, now),
        (null, _) => new Refusal(ErrorCodes.SessionNotFound, $"There is no session '{command.SessionId}' on this peer; begin one first."),
        (_, SessionCommands.Begin begin) => state.DecideRepeatedBegin(begin),
        (_, SessionCommands.Reserve reserve) => state.DecideReserve(reserve, policy, now),
        (_, SessionCommands.Commit commit) => state.DecideCommit(commit),
        (_, SessionCommands.Release release) => state.DecideRelease(release),
        (_, SessionCommands.End end) => state.DecideEnd(end, now),
        _ => SessionDecision.Nothing,
    };

    /// <summary>The state after an event.</summary>
    public static SessionState Apply(SessionState? state, ISessionEvent happened) => (state, happened) switch
    {
        (null, SessionEvents.Begun begun) => new SessionState { Begun = begun, Spent = Amount.Zero(begun.Max.Currency), Reserved = Amount.Zero(begun.Max.Currency) },
        (null, _) => throw new InvalidOperationException($"The session's journal starts with {happened.GetType().Name}."),
        (_, SessionEvents.AmountReserved reserved) => state with
        {
            Reserved = state.Reserved + reserved.Amount,
            Open = state.Open.Add(reserved.ReservationId, reserved),
            Guard = state.Guard.Began(reserved.At),
        },
        (_, SessionEvents.Committed committed) => state.Settle(committed.ReservationId, committed.Step),
        (_, SessionEvents.Released released) => state.Settle(released.ReservationId, released.Step),
        (_, SessionEvents.Ended ended) => state with { Ended = ended },
        _ => throw new InvalidOperationException($"The session's journal holds a second {happened.GetType().Name}."),
    };

    /// <summary>The guard's answer to <see cref="SessionCommands.Check"/>.</summary>
    public GuardVerdict Check(SessionCommands.Check check, GuardPolicy policy, DateTimeOffset now) =>
        WhyNot(check.Operation, check.EstimatedCost, null, policy, now) is { } refusal
            ? new GuardVerdict(false, refusal.Code, refusal.Message, Remaining)
            : new GuardVerdict(true, null, null, Remaining);

    /// <summary>The session as callers see it.</summary>
    public SessionView View(bool withTrace) => new(
        Begun.Id,
        Begun.AgentId,
        Ended is null ? SessionStatus.Active : SessionStatus.Ended,
        new BudgetView(Begun.Max, Spent, Reserved, Remaining),
        Begun.At,
        Ended?.At,
        Begun.Context,
        Ended?.Result,
        withTrace ? Trace : []);

    private static SessionDecision DecideFirstBegin(SessionCommands.Begin begin, DateTimeOffset now)
    {
        if (begin.SessionId.Length is 0 or > SessionLimits.NameCharacters || begin.AgentId?.Length > SessionLimits.NameCharacters)
            return new Refusal(ErrorCodes.InvalidParams, $"A session id has 1 to {SessionLimits.NameCharacters} characters, an agent id at most as many.");
        if (begin.Max.MicroUnits > Amount.MaxMicroUnits)
            return new Refusal(ErrorCodes.InvalidAmount, $"The budget is over the largest amount, {Amount.MaxMicroUnits} millionths; take a smaller one.");
        return SessionLimits.BytesOf(begin.Context) > SessionLimits.ContextBytes
            ? new Refusal(ErrorCodes.TooLarge, $"The context has more than {SessionLimits.ContextBytes} bytes; keep what is large elsewhere and name it in the context.")
            : SessionDecision.Of(new SessionEvents.Begun(begin.SessionId, begin.AgentId, begin.Max, begin.Context, now));
    }

    private SessionDecision DecideRepeatedBegin(SessionCommands.Begin begin) =>
        (begin.AgentId, begin.Max, begin.Context) == (Begun.AgentId, Begun.Max, Begun.Context)
            ? SessionDecision.Nothing
            : new Refusal(ErrorCodes.Conflict, $"The session '{begin.SessionId}' was begun on other terms; use another id.");

    private SessionDecision DecideReserve(SessionCommands.Reserve reserve, GuardPolicy policy, DateTimeOffset now)
    {
        if (Open.TryGetValue(reserve.ReservationId, out var open))
        {
            return (open.Amount, open.Operation, open.ChannelKey) == (reserve.Amount, reserve.Operation, reserve.ChannelKey)
                ? SessionDecision.Nothing
                : new Refusal(ErrorCodes.Conflict, $"The reservation '{reserve.ReservationId}' is open for something else; use another id.");
        }

        if (Settled.Contains(reserve.ReservationId))
            return new Refusal(ErrorCodes.Conflict, $"The reservation '{reserve.ReservationId}' is settled already; use another id.");
        if (WhyNot(reserve.Operation, reserve.Amount, reserve.InputHash, policy, now) is { } refusal)
            return refusal;
        if (IsBadName(reserve.ReservationId) || IsBadName(reserve.Operation) || reserve.ChannelKey?.Length > SessionLimits.NameCharacters || reserve.InputHash?.Length > SessionLimits.NameCharacters)
            return new Refusal(ErrorCodes.InvalidParams, $"A reservation's id and operation have 1 to {SessionLimits.NameCharacters} characters, its channel key and input hash at most as many.");
        if (Open.Count + Trace.Count >= SessionLimits.Steps)
            return new Refusal(ErrorCodes.TooLarge, $"The session has {SessionLimits.Steps} steps, the most that it keeps; begin another one.");
        return Open.Count >= SessionLimits.OpenReservations
            ? new Refusal(ErrorCodes.RateLimited, $"The session has {SessionLimits.OpenReservations} operations under way; wait for some of them.")
            : SessionDecision.Of(new SessionEvents.AmountReserved(reserve.ReservationId, reserve.Amount, reserve.Operation, reserve.ChannelKey, reserve.InputHash, now));
    }

    private SessionDecision DecideCommit(SessionCommands.Commit commit)
    {
        if (Settled.Contains(commit.ReservationId))
            return SessionDecision.Nothing;
        if (!Open.TryGetValue(commit.ReservationId, out var open))
            return NoReservation(commit.ReservationId);
        if (commit.Cost.Currency != open.Amount.Currency)
            return OtherCurrency(commit.Cost);
        return commit.Cost > open.Amount
            ? new Refusal(ErrorCodes.BudgetExceeded, $"The operation cost {commit.Cost}, but only {open.Amount} is set aside for it; reserve the whole price before.")
            : SessionDecision.Of(new SessionEvents.Committed(commit.ReservationId, Fit(commit.Step, commit.Cost)));
    }

    private SessionDecision DecideRelease(SessionCommands.Release release)
    {
        if (Settled.Contains(release.ReservationId))
            return SessionDecision.Nothing;
        return Open.ContainsKey(release.ReservationId)
            ? SessionDecision.Of(new SessionEvents.Released(release.ReservationId, Fit(release.Step, Amount.Zero(Begun.Max.Currency))))
            : NoReservation(release.ReservationId);
    }

    private SessionDecision DecideEnd(SessionCommands.End end, DateTimeOffset now)
    {
        if (Ended is not null)
            return SessionDecision.Nothing;
        return SessionLimits.BytesOf(end.Result) > SessionLimits.ContextBytes
            ? new Refusal(ErrorCodes.TooLarge, $"The result has more than {SessionLimits.ContextBytes} bytes; keep what is large elsewhere and name it in the result.")
            : SessionDecision.Of(new SessionEvents.Ended(end.Result, now));
    }

    private Refusal? WhyNot(string operation, Amount cost, string? inputHash, GuardPolicy policy, DateTimeOffset now)
    {
        if (Ended is not null)
            return new Refusal(ErrorCodes.SessionEnded, $"The session '{Begun.Id}' has ended; begin another one.");
        if (cost.Currency != Begun.Max.Currency)
            return OtherCurrency(cost);
        if (policy.Check(Guard, operation, inputHash, now) is { } refusal)
            return refusal;
        return cost > Remaining
            ? new Refusal(ErrorCodes.BudgetExceeded, $"{cost} is needed, but only {Remaining} of the session's {Begun.Max} is left; begin a session with a larger budget, or use a cheaper operation.")
            : null;
    }

    private SessionState Settle(string reservationId, TraceStep step)
    {
        var reservation = Open[reservationId];
        return this with
        {
            Spent = Spent + step.Cost,
            Reserved = Reserved - reservation.Amount,
            Open = Open.Remove(reservationId),
            Settled = Settled.Add(reservationId),
            Trace = Trace.Add(step with { Index = Trace.Count }),
            TraceTextBytes = TraceTextBytes + SessionLimits.TextBytes(step),
            Guard = Guard.Finished(reservation.Operation, reservation.InputHash, step),
        };
    }

    private TraceStep Fit(TraceStep step, Amount cost) => SessionLimits.Fit(step, SessionLimits.TraceTextBytes - TraceTextBytes) with { Cost = cost };

    private Refusal OtherCurrency(Amount amount) =>
        new(ErrorCodes.InvalidAmount, $"The session's budget is in {Begun.Max.Currency}, not in {amount.Currency}; use an operation that is priced in {Begun.Max.Currency}.");

    private static Refusal NoReservation(string id) => new(ErrorCodes.Conflict, $"The session has no reservation '{id}'; reserve before you commit or release.");

    private static bool IsBadName(string name) => name.Length is 0 or > SessionLimits.NameCharacters;
}
