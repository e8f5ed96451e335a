using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.State;

/// <summary>Something that happened to a session and is journalled.</summary>
internal interface ISessionEvent;

/// <summary>What a session's state is made of.</summary>
internal static class SessionEvents
{
    /// <summary>The session exists.</summary>
    public sealed record Begun(string Id, string? AgentId, Amount Max, string? Context, DateTimeOffset At) : ISessionEvent;

    /// <summary>An amount is set aside.</summary>
    public sealed record AmountReserved(string ReservationId, Amount Amount, string Operation, string? ChannelKey, string? InputHash, DateTimeOffset At) : ISessionEvent;

    /// <summary>The operation cost <c>Step.Cost</c>; the rest of the reservation is free again.</summary>
    public sealed record Committed(string ReservationId, TraceStep Step) : ISessionEvent;

    /// <summary>The operation cost nothing; all of the reservation is free again.</summary>
    public sealed record Released(string ReservationId, TraceStep Step) : ISessionEvent;

    /// <summary>The session accepts no more operations.</summary>
    public sealed record Ended(string? Result, DateTimeOffset At) : ISessionEvent;
}
