using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.State;

/// <summary>
/// One session: persists, then replies. It leaves memory only when no reservation is open, so a reservation that is open
/// at recovery was cut off by a crash: it is released when nothing can have been paid for it, and settled by what its
/// payer channel knows otherwise.
/// </summary>
internal sealed class SessionActor : JournaledActor, IWithTimers
{
    private static readonly TimeSpan UnbegunLifetime = TimeSpan.FromSeconds(5);

    private readonly SessionOptions _options;
    private readonly TimeProvider _time;
    private readonly IReadOnlyActorRegistry _registry;
    private SessionState? _state;

    public SessionActor(string id, SessionOptions options, TimeProvider time, IReadOnlyActorRegistry registry)
        : base("session-" + id, Journals.Default)
    {
        _options = options;
        _time = time;
        _registry = registry;

        Recover<SnapshotOffer>(offer => _state = (SessionState)offer.Snapshot);
        Recover<ISessionEvent>(happened => _state = SessionState.Apply(_state, happened));
        Recover<RecoveryCompleted>(_ => SettleWhatACrashLeftOpen());

        Command<ISessionMessage>(OnCommand);
        Command<AskChannel>(OnAskChannel);
        Command<PaymentSettled>(OnPaymentSettled);
        Command<Refusal>(refusal => Log.Warning("A payer channel could not tell what became of a payment: {0} {1}", refusal.Code, refusal.Message));
        Command<ReceiveTimeout>(_ => PassivateWhenNothingIsOpen());
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => new Refusal(ErrorCodes.JournalFailed, "The session could not be written, and nothing was done; see that the disk has room, then try again.");

    protected override void PreStart()
    {
        base.PreStart();
        SetReceiveTimeout(UnbegunLifetime);
    }

    private void OnCommand(ISessionMessage command)
    {
        var now = _time.GetUtcNow();
        if (command is SessionCommands.Check check && _state is not null)
        {
            Sender.Tell(_state.Check(check, _options.Guard, now));
            return;
        }

        var decision = SessionState.Decide(_state, command, _options.Guard, now);
        if (decision.Refusal is { } refusal)
            Sender.Tell(refusal);
        else if (decision.Event is { } happened)
            PersistEvent(Sender, happened, state => Sender.Tell(Reply(state, command)));
        else
            Sender.Tell(Reply(_state!, command));
    }

    private void PersistEvent(IActorRef asker, ISessionEvent happened, Action<SessionState> then) => PersistFor(asker, happened, written =>
    {
        _state = SessionState.Apply(_state, written);
        SaveSnapshotEvery(_options.SnapshotEvery, () => _state);
        if (LastSequenceNr == 1)
            SetReceiveTimeout(_options.IdleAfter);
        then(_state);
    });

    /// <summary>Nobody waits for what is settled after a crash.</summary>
    private void PersistUnasked(ISessionEvent happened) => PersistEvent(ActorRefs.Nobody, happened, _ => { });

    private static object Reply(SessionState state, ISessionMessage command) => command switch
    {
        SessionCommands.Reserve reserve => new Reserved(reserve.SessionId, reserve.ReservationId, reserve.Amount, state.Remaining),
        SessionCommands.Get or SessionCommands.End => state.View(withTrace: true),
        _ => state.View(withTrace: false),
    };

    private void SettleWhatACrashLeftOpen()
    {
        if (_state is null)
            return;
        SetReceiveTimeout(_options.IdleAfter);
        foreach (var reservation in _state.Open.Values)
        {
            if (reservation.ChannelKey is null)
                ReleaseRecovered(reservation);
            else
                Self.Tell(new AskChannel(reservation.ReservationId, _options.FirstResolveDelay));
        }
    }

    private void OnAskChannel(AskChannel ask)
    {
        if (_state?.Open.GetValueOrDefault(ask.ReservationId) is not { ChannelKey: { } channelKey })
            return;
        if (channelKey.StartsWith(FetchCommands.ChannelPrefix, StringComparison.Ordinal))
        {
            if (_registry.TryGet<ActorKeys.Fetches>(out var fetches))
                fetches.Tell(new FetchCommands.Resolve(channelKey, ask.ReservationId));
        }
        else if (_registry.TryGet<ActorKeys.PayerChannels>(out var channels))
        {
            channels.Tell(new PayerChannelCommands.Resolve(channelKey, ask.ReservationId));
        }

        var next = ask.NextDelay * 2 < _options.LastResolveDelay ? ask.NextDelay * 2 : _options.LastResolveDelay;
        Timers.StartSingleTimer(ask.ReservationId, new AskChannel(ask.ReservationId, next), ask.NextDelay);
    }

    private void OnPaymentSettled(PaymentSettled settled)
    {
        if (_state?.Open.GetValueOrDefault(settled.RequestId) is not { } reservation || settled.Outcome == PaymentOutcome.Unknown)
            return;
        if (settled.Outcome == PaymentOutcome.Refused)
        {
            Timers.Cancel(settled.RequestId);
            ReleaseRecovered(reservation);
            return;
        }

        var step = RecoveredStep(reservation, "the payment was accepted, what the operation gave is lost");
        var decision = SessionState.Decide(_state, new SessionCommands.Commit(_state.Begun.Id, reservation.ReservationId, settled.Cost, step), _options.Guard, _time.GetUtcNow());
        Timers.Cancel(settled.RequestId);
        if (decision.Event is { } happened)
            PersistUnasked(happened);
        else
            Log.Error("The channel says that {0} cost {1}, but {2} was reserved: {3}", reservation.ReservationId, settled.Cost, reservation.Amount, decision.Refusal?.Message);
    }

    private void ReleaseRecovered(SessionEvents.AmountReserved reservation)
    {
        var release = new SessionCommands.Release(_state!.Begun.Id, reservation.ReservationId, RecoveredStep(reservation, "nothing was paid"));
        if (SessionState.Decide(_state, release, _options.Guard, _time.GetUtcNow()).Event is { } happened)
            PersistUnasked(happened);
    }

    private TraceStep RecoveredStep(SessionEvents.AmountReserved reservation, string outcome) => new(
        0, "tool", reservation.Operation, reservation.At, _time.GetUtcNow() - reservation.At, Amount.Zero(reservation.Amount.Currency), false,
        $"{ErrorCodes.Internal} recovered after a crash: {outcome}", null, null);

    private void PassivateWhenNothingIsOpen()
    {
        if (_state is null || _state.Open.IsEmpty)
            Context.Parent.Tell(new Passivate(StopEntity.Instance));
    }

    private sealed record AskChannel(string ReservationId, TimeSpan NextDelay) : INotInfluenceReceiveTimeout;
}
