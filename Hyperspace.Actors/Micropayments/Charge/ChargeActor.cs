using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>
/// The charges of one payer: journals what <see cref="ChargeState"/> decides, then replies, and gets what is due onto its
/// chain. While one write is under way, the next commands are decided and wait; they are written together, so that many
/// credentials cost one flush of the disk. State runs ahead of the journal, replies never do: a write that fails ends the actor.
/// </summary>
internal sealed partial class ChargeActor : JournaledActor, IWithTimers
{
    private const int MaxWaiting = 4096;
    private const int MaxSettling = 64;
    private const int MinEventsPerSnapshot = 1000;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RetryEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(10);

    private readonly PayOptions _options;
    private readonly TimeProvider _time;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ChargeTimes _times;
    private readonly HashSet<string> _settling = new(StringComparer.Ordinal);
    private readonly Queue<(IActorRef Sender, ChargeCommands.Accept Accept)> _unlisted = new();
    private readonly HashSet<string> _unwritten = new(StringComparer.Ordinal);
    private ChargeState _state;
    private List<object> _events = [];
    private List<(IActorRef To, object Reply)> _replies = [];
    private List<(IActorRef To, object Reply)> _writing = [];
    private int _left;
    private bool _listed;
    private long _snapshotAt;
    private DateTimeOffset _retriedAt;

    public ChargeActor(string payerKey, PayOptions options, ChargeTimes times, TimeProvider time, IReadOnlyActorRegistry registry)
        : base("charge-" + payerKey, Journals.Payments)
    {
        (_state, _options, _times, _time, _registry) = (new ChargeState(payerKey), options, times, time, registry);

        Recover<SnapshotOffer>(offer => (_state, _snapshotAt) = (((ChargeSnapshot)offer.Snapshot).State, offer.Metadata.SequenceNr));
        Recover<ChargeEvents.Accepted>(e => _state = _state.Apply(e));
        Recover<ChargeEvents.Served>(e => _state = _state.Apply(e));
        Recover<ChargeEvents.Settled>(e => _state = _state.Apply(e));
        Recover<ChargeEvents.Failed>(e => _state = _state.Apply(e));
        Recover<ChargeEvents.Retried>(e => _state = _state.Apply(e));
        Recover<RecoveryCompleted>(_ =>
        {
            Context.SetReceiveTimeout(IdleTimeout);
            WatchDue();
        });

        Command<ChargeCommands.Accept>(Accept);
        Command<ChargeCommands.Served>(served => Carry(_state.Decide(served)));
        Command<ChargeCommands.Get>(_ => Carry(new ChargeDecision(null, _state.View())));
        Command<ChargeCommands.Settle>(_ =>
        {
            Settle(_state.Payments.Values.Where(p => p.Settlement == Settlement.Open));
            Carry(new ChargeDecision(null, _state.View()));
        });
        Command<Listed>(OnListed);
        Command<Tick>(_ => Settle(_state.Due(_options, _time.GetUtcNow())));
        Command<SettlementNews>(OnSettlement);
        Command<ReceiveTimeout>(_ => Rest());
        Command<ChargedPayerListed>(_ => { });
        Command<Refusal>(refusal => Log.Warning("The list of payers keeps {0}: {1}", PersistenceId, refusal.Message));
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => JournalRefusals.Payments;

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    private void Accept(ChargeCommands.Accept accept)
    {
        if (_replies.Count + _unlisted.Count >= MaxWaiting)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, "Too many payments of this address wait for the journal; try again. Nothing was charged."));
            return;
        }

        if (!_listed)
        {
            // The list has to know whom to wake after a restart before anything of it can be open.
            _unlisted.Enqueue((Sender, accept));
            if (_unlisted.Count == 1)
            {
                _registry.Get<ActorKeys.ChargedPayers>().Ask<object>(new ChargedPayerCommands.List(_state.PayerKey), ListTimeout)
                    .PipeTo(Self, success: answer => new Listed(answer is ChargedPayerListed), failure: _ => new Listed(false));
            }

            return;
        }

        Take(Sender, accept);
    }

    private void OnListed(Listed listed)
    {
        _listed = listed.Ok;
        while (_unlisted.TryDequeue(out var waiting))
        {
            if (listed.Ok)
            {
                Take(waiting.Sender, waiting.Accept);
            }
            else
            {
                waiting.Sender.Tell(Unwritten);
            }
        }
    }

    private void Take(IActorRef sender, ChargeCommands.Accept accept)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(_time.GetUtcNow().ToUnixTimeMilliseconds());
        var decision = _state.Decide(accept, _options, now);
        if (decision.Reply is ChargeAccepted { WasServed: false } accepted)
        {
            _state = _state with { InService = _state.InService.Add(accepted.PaymentId) };
        }

        Carry(decision, sender);
        switch (decision.Reply)
        {
            case Refusal { Code: ErrorCodes.PayerOwes } when now - _retriedAt >= RetryEvery:
                _retriedAt = now;
                foreach (var retried in _state.Retry(now))
                {
                    Carry(new ChargeDecision(retried, new object()), ActorRefs.Nobody);
                }

                break;
            case Refusal { Code: ErrorCodes.RateLimited }:
                Settle(_state.Payments.Values.Where(p => p.Settlement == Settlement.Open));
                break;
        }
    }

    private void Carry(ChargeDecision decision) => Carry(decision, Sender);

    private void Carry(ChargeDecision decision, IActorRef replyTo)
    {
        _replies.Add((replyTo, decision.Reply));
        if (decision.Event is { } happening)
        {
            _state = _state.Apply(happening);
            _events.Add(happening);
            if (happening is ChargeEvents.Accepted accepted)
            {
                _unwritten.Add(accepted.Authorization.PaymentId);
            }
        }

        Write();
    }

    /// <summary>Writes what was decided, unless a write is under way; then what waits is written after it, together.</summary>
    private void Write()
    {
        if (_left > 0)
        {
            return;
        }

        (_writing, _replies) = (_replies, []);
        if (_events.Count == 0)
        {
            Reply();
            return;
        }

        var events = _events;
        (_events, _left) = ([], events.Count);
        PersistAllAsync(events, happened =>
        {
            if (happened is ChargeEvents.Accepted accepted)
            {
                _unwritten.Remove(accepted.Authorization.PaymentId);
            }

            ChargeFaults.HitAfter(happened);
            if (--_left == 0)
            {
                Reply();
                Written();
            }
        });
    }

    private void Written()
    {
        if (LastSequenceNr - _snapshotAt >= Math.Max(MinEventsPerSnapshot, _state.Payments.Count) && _events.Count == 0)
        {
            _snapshotAt = LastSequenceNr;
            SaveSnapshot(new ChargeSnapshot(_state));
        }

        WatchDue();
        Settle(_state.Due(_options, _time.GetUtcNow()));
        if (_events.Count > 0 || _replies.Count > 0)
        {
            Write();
        }
    }

    private void Reply()
    {
        foreach (var (to, reply) in _writing)
        {
            to.Tell(reply);
        }

        _writing = [];
    }

    protected override void Refuse()
    {
        foreach (var (to, _) in _writing.Concat(_replies))
        {
            to.Tell(Unwritten);
        }

        foreach (var (to, _) in _unlisted)
        {
            to.Tell(Unwritten);
        }

        _writing = [];
        _replies = [];
        _unlisted.Clear();
    }

    private void Rest()
    {
        if (_state.UnsettledMicro > 0 || _left > 0 || _unlisted.Count > 0 || !_state.InService.IsEmpty)
        {
            return;
        }

        if (_listed)
        {
            _listed = false;
            _registry.Get<ActorKeys.ChargedPayers>().Tell(new ChargedPayerCommands.Remove(_state.PayerKey));
        }

        Context.Parent.Tell(new Passivate(StopEntity.Instance));
    }

    private sealed record Listed(bool Ok);

    private sealed record SettlementNews(string PaymentId, ChainIntentView? View, string? Failure);

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }
}
