using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.State;

/// <summary>A message for one session; the shard region routes by its id.</summary>
public interface ISessionMessage
{
    /// <summary>The session's id.</summary>
    string SessionId { get; }
}

/// <summary>Commands of a session. Each is answered with <see cref="SessionView"/>, a reply named below, or a <see cref="Refusal"/>.</summary>
public static class SessionCommands
{
    /// <summary>Begins a session; idempotent for the same id and terms. Answered with <see cref="SessionView"/>.</summary>
    /// <param name="SessionId">A new id.</param>
    /// <param name="AgentId">Whose session it is, if told.</param>
    /// <param name="Max">The whole budget.</param>
    /// <param name="Context">Free JSON that comes back with the session.</param>
    public sealed record Begin(string SessionId, string? AgentId, Amount Max, string? Context) : ISessionMessage;

    /// <summary>
    /// First phase: sets an amount aside. Answered with <see cref="Reserved"/> or a refusal (BUDGET_EXCEEDED,
    /// SESSION_ENDED, SESSION_NOT_FOUND). Idempotent for the same reservation id and amount.
    /// </summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="ReservationId">Names the reservation; also the payment's request id.</param>
    /// <param name="Amount">What to set aside.</param>
    /// <param name="Operation">What it is for, for the trace.</param>
    /// <param name="ChannelKey">The payer channel that may pay it, so that a reservation found open after a crash can be settled; null when no payment is made.</param>
    /// <param name="InputHash">A hash of the operation's input, so that the guard sees an agent that repeats one failing call; null when it should not look.</param>
    public sealed record Reserve(string SessionId, string ReservationId, Amount Amount, string Operation, string? ChannelKey, string? InputHash = null) : ISessionMessage;

    /// <summary>Second phase: the operation cost <paramref name="Cost"/> (at most what was reserved). Answered with <see cref="SessionView"/>; idempotent.</summary>
    public sealed record Commit(string SessionId, string ReservationId, Amount Cost, TraceStep Step) : ISessionMessage;

    /// <summary>Second phase: the operation cost nothing. Answered with <see cref="SessionView"/>; idempotent.</summary>
    public sealed record Release(string SessionId, string ReservationId, TraceStep Step) : ISessionMessage;

    /// <summary>Would an operation of that cost be allowed now? Answered with <see cref="GuardVerdict"/>; changes nothing.</summary>
    public sealed record Check(string SessionId, string Operation, Amount EstimatedCost) : ISessionMessage;

    /// <summary>Ends the session; idempotent (the first result stays). Open reservations are still committed or released. Answered with <see cref="SessionView"/>.</summary>
    public sealed record End(string SessionId, string? Result) : ISessionMessage;

    /// <summary>Answered with <see cref="SessionView"/> with its trace.</summary>
    public sealed record Get(string SessionId) : ISessionMessage;
}

/// <summary>The amount is set aside.</summary>
public sealed record Reserved(string SessionId, string ReservationId, Amount Amount, Amount Remaining);

/// <summary>Guard's answer.</summary>
/// <param name="Allowed">Whether the operation may go on.</param>
/// <param name="Code">A stable code when it may not.</param>
/// <param name="Reason">A sentence when it may not.</param>
/// <param name="Remaining">What is neither spent nor reserved.</param>
public sealed record GuardVerdict(bool Allowed, string? Code, string? Reason, Amount Remaining);

/// <summary>One step of a session's trace. The session numbers the steps.</summary>
/// <param name="Index">Position in the trace; the sender leaves 0.</param>
/// <param name="Kind">"tool", "guard", ….</param>
/// <param name="Name">The tool's id or the operation.</param>
/// <param name="StartedAt">When it began (UTC).</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Cost">What it cost.</param>
/// <param name="Ok">Whether it did what was asked.</param>
/// <param name="Error">Why not: a code and a sentence.</param>
/// <param name="Input">JSON or text, cut to a bounded length.</param>
/// <param name="Output">JSON or text, cut to a bounded length.</param>
public sealed record TraceStep(int Index, string Kind, string Name, DateTimeOffset StartedAt, TimeSpan Duration, Amount Cost, bool Ok, string? Error, string? Input, string? Output);

/// <summary>A budget as callers see it; spent + reserved + remaining = max.</summary>
public sealed record BudgetView(Amount Max, Amount Spent, Amount Reserved, Amount Remaining);

/// <summary>Whether a session still accepts operations.</summary>
public enum SessionStatus
{
    /// <summary>It does.</summary>
    Active,

    /// <summary>It does not.</summary>
    Ended,
}

/// <summary>A session as callers see it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AgentId">Whose it is, if told.</param>
/// <param name="Status">Whether it accepts operations.</param>
/// <param name="Budget">Its budget.</param>
/// <param name="StartedAt">When it began (UTC).</param>
/// <param name="EndedAt">When it ended (UTC).</param>
/// <param name="Context">The JSON that it was begun with.</param>
/// <param name="Result">The result that it was ended with.</param>
/// <param name="Trace">Its steps in order: in answers to <c>Get</c> and <c>End</c>; empty in others, which come once for each step.</param>
public sealed record SessionView(
    string Id,
    string? AgentId,
    SessionStatus Status,
    BudgetView Budget,
    DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt,
    string? Context,
    string? Result,
    IReadOnlyList<TraceStep> Trace);
