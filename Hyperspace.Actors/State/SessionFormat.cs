using System.Collections.Immutable;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.State.Journal;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.State;

/// <summary>Sessions' records in the journal (<c>session_events.proto</c>).</summary>
internal static class SessionFormat
{
    /// <summary>Every event, and the snapshot.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<SessionEvents.Begun, SessionBegunV1>("session-begun:1", ToMessage, ToRecord)
        .Map<SessionEvents.AmountReserved, AmountReservedV1>("session-reserved:1", ToMessage, ToRecord)
        .Map<SessionEvents.Committed, ReservationCommittedV1>(
            "session-committed:1",
            record => new ReservationCommittedV1 { ReservationId = record.ReservationId, Step = ToMessage(record.Step) },
            message => new SessionEvents.Committed(message.ReservationId, ToRecord(message.Step, 0)))
        .Map<SessionEvents.Released, ReservationReleasedV1>(
            "session-released:1",
            record => new ReservationReleasedV1 { ReservationId = record.ReservationId, Step = ToMessage(record.Step) },
            message => new SessionEvents.Released(message.ReservationId, ToRecord(message.Step, 0)))
        .Map<SessionEvents.Ended, SessionEndedV1>("session-ended:1", ToMessage, ToRecord)
        .Map<SessionState, SessionSnapshotV1>("session-snapshot:1", ToMessage, ToRecord);

    private static SessionBegunV1 ToMessage(SessionEvents.Begun record)
    {
        var message = new SessionBegunV1 { Id = record.Id, Max = ToMessage(record.Max), AtTicks = record.At.UtcTicks };
        if (record.AgentId is not null)
            message.AgentId = record.AgentId;
        if (record.Context is not null)
            message.Context = record.Context;
        return message;
    }

    private static SessionEvents.Begun ToRecord(SessionBegunV1 message) => new(
        message.Id,
        message.HasAgentId ? message.AgentId : null,
        ToRecord(message.Max),
        message.HasContext ? message.Context : null,
        Time(message.AtTicks));

    private static AmountReservedV1 ToMessage(SessionEvents.AmountReserved record)
    {
        var message = new AmountReservedV1
        {
            ReservationId = record.ReservationId,
            Amount = ToMessage(record.Amount),
            Operation = record.Operation,
            AtTicks = record.At.UtcTicks,
        };
        if (record.ChannelKey is not null)
            message.ChannelKey = record.ChannelKey;
        if (record.InputHash is not null)
            message.InputHash = record.InputHash;
        return message;
    }

    private static SessionEvents.AmountReserved ToRecord(AmountReservedV1 message) => new(
        message.ReservationId,
        ToRecord(message.Amount),
        message.Operation,
        message.HasChannelKey ? message.ChannelKey : null,
        message.HasInputHash ? message.InputHash : null,
        Time(message.AtTicks));

    private static SessionEndedV1 ToMessage(SessionEvents.Ended record)
    {
        var message = new SessionEndedV1 { AtTicks = record.At.UtcTicks };
        if (record.Result is not null)
            message.Result = record.Result;
        return message;
    }

    private static SessionEvents.Ended ToRecord(SessionEndedV1 message) => new(message.HasResult ? message.Result : null, Time(message.AtTicks));

    private static TraceStepV1 ToMessage(TraceStep step)
    {
        var message = new TraceStepV1
        {
            Kind = step.Kind,
            Name = step.Name,
            StartedTicks = step.StartedAt.UtcTicks,
            DurationTicks = step.Duration.Ticks,
            Cost = ToMessage(step.Cost),
            Ok = step.Ok,
        };
        if (step.Error is not null)
            message.Error = step.Error;
        if (step.Input is not null)
            message.Input = step.Input;
        if (step.Output is not null)
            message.Output = step.Output;
        return message;
    }

    private static TraceStep ToRecord(TraceStepV1 message, int index) => new(
        index,
        message.Kind,
        message.Name,
        Time(message.StartedTicks),
        TimeSpan.FromTicks(message.DurationTicks),
        ToRecord(message.Cost),
        message.Ok,
        message.HasError ? message.Error : null,
        message.HasInput ? message.Input : null,
        message.HasOutput ? message.Output : null);

    private static SessionSnapshotV1 ToMessage(SessionState state)
    {
        var guard = new GuardV1
        {
            WindowStartTicks = state.Guard.WindowStart.UtcTicks,
            WindowCount = state.Guard.WindowCount,
            Failures = state.Guard.Failures,
        };
        if (state.Guard.FailedCall is { } call)
            guard.FailedCall = call;
        return new SessionSnapshotV1
        {
            Begun = ToMessage(state.Begun),
            Ended = state.Ended is null ? null : ToMessage(state.Ended),
            Open = { state.Open.Values.OrderBy(reservation => reservation.ReservationId, StringComparer.Ordinal).Select(ToMessage) },
            Settled = { state.Settled.Order(StringComparer.Ordinal) },
            Trace = { state.Trace.Select(ToMessage) },
            Guard = guard,
        };
    }

    private static SessionState ToRecord(SessionSnapshotV1 message)
    {
        var begun = ToRecord(message.Begun);
        var open = message.Open.Select(ToRecord).ToImmutableDictionary(reservation => reservation.ReservationId);
        var trace = message.Trace.Select(ToRecord).ToImmutableList();
        var nothing = Amount.Zero(begun.Max.Currency);
        return new SessionState
        {
            Begun = begun,
            Ended = message.Ended is null ? null : ToRecord(message.Ended),
            Spent = trace.Aggregate(nothing, (sum, step) => sum + step.Cost),
            Reserved = open.Values.Aggregate(nothing, (sum, reservation) => sum + reservation.Amount),
            Open = open,
            Settled = [.. message.Settled],
            Trace = trace,
            TraceTextBytes = trace.Sum(SessionLimits.TextBytes),
            Guard = new GuardState(
                Time(message.Guard.WindowStartTicks), message.Guard.WindowCount, message.Guard.HasFailedCall ? message.Guard.FailedCall : null, message.Guard.Failures),
        };
    }

    private static MoneyV1 ToMessage(Amount amount) => new() { Micro = amount.MicroUnits, Currency = amount.Currency.Code };

    private static Amount ToRecord(MoneyV1 message) => new(message.Micro, Currency.Parse(message.Currency));

    private static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);
}
