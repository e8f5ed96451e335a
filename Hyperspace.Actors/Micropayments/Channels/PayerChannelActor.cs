using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What payer channels need of their peer.</summary>
/// <param name="Identity">Whose wallet signs.</param>
/// <param name="Payees">Calls to payees.</param>
/// <param name="DepositMicro">The deposit to propose.</param>
/// <param name="Time">The clock.</param>
/// <param name="Times">How long to wait for what.</param>
/// <param name="NewSalt">32 random bytes.</param>
internal sealed record Payer(PeerIdentity Identity, PayeeClient Payees, ulong DepositMicro, TimeProvider Time, PayerTimes Times, Func<byte[]> NewSalt);

/// <summary>
/// One channel that this peer pays over. Journals what <see cref="PayerChannelState"/> decides, then signs and replies;
/// opens the channel at the payee; lets payments wait for the voucher in flight; and asks the payee what became of that
/// voucher when nobody else says: after a restart, on <see cref="PaymentOutcome.Unknown"/>, or when word of it is overdue.
/// </summary>
internal sealed class PayerChannelActor : ReceivePersistentActor, IWithTimers
{
    private const string FlightTimer = "flight";
    private const string AskTimer = "ask";
    private const string SweepTimer = "sweep";
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);
    private readonly Payer _payer;
    private readonly VoucherSigner _signer;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly WaitingPayments _waiting;
    private readonly Dictionary<string, List<IActorRef>> _curious = new(StringComparer.Ordinal);
    private PayerChannelState _state;
    private IActorRef _replyTo = ActorRefs.Nobody;
    private TimeSpan _backoff;
    private bool _opening;

    public PayerChannelActor(string channelKey, Payer payer, IReadOnlyActorRegistry registry)
    {
        (_state, _payer, _registry) = (new PayerChannelState(channelKey), payer, registry);
        _signer = new VoucherSigner(payer.Identity.Wallet);
        _waiting = new WaitingPayments(payer.Time, payer.Times.MaxWait);
        _backoff = payer.Times.MinBackoff;
        PersistenceId = "payer-channel-" + channelKey;
        JournalPluginId = Journals.Payments;
        SnapshotPluginId = Journals.PaymentsSnapshots;

        Recover<SnapshotOffer>(offer => _state = ((PayerChannelSnapshot)offer.Snapshot).State);
        Recover<PayerChannelEvents.Proposed>(e => _state = _state.Apply(e));
        Recover<PayerChannelEvents.Confirmed>(e => _state = _state.Apply(e));
        Recover<PayerChannelEvents.Withdrawn>(e => _state = _state.Apply(e));
        Recover<PayerChannelEvents.VoucherIssued>(e => _state = _state.Apply(e));
        Recover<PayerChannelEvents.Resolved>(e => _state = _state.Apply(e));
        Recover<RecoveryCompleted>(_ => Recovered());

        Command<PayerChannelCommands.Pay>(pay =>
        {
            if (_opening)
            {
                Wait(pay, Sender);
            }
            else
            {
                Pay(pay, Sender);
            }
        });
        Command<PayerChannelCommands.Settle>(Settle);
        Command<PayerChannelCommands.Resolve>(resolve => Find(resolve.RequestId));
        Command<PayerChannelCommands.Get>(_ => Sender.Tell(_state.View()));
        Command<PayerChannelCommands.GetHistory>(_ => Sender.Tell(_state.History()));
        Command<Opened>(_ => Record(new PayerChannelEvents.Confirmed(), ActorRefs.Nobody, OpeningEnded));
        Command<NotOpened>(NotOpen);
        Command<Standing>(Told);
        Command<AskPayee>(ask => _state.InFlight?.RequestId == ask.RequestId, ask => Ask(ask.RequestId));
        Command<AskPayee>(_ => { });
        Command<Sweep>(_ => Expire());
        Command<SaveSnapshotSuccess>(saved => DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1)));
        Command<SaveSnapshotFailure>(failed => Context.GetLogger().Warning(failed.Cause, "No snapshot of {0}; recovery takes longer", PersistenceId));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failed => Context.GetLogger().Warning(failed.Cause, "Old snapshots of {0} stay", PersistenceId));
        Command<ReceiveTimeout>(_ => PassivateWhenIdle());
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public override string PersistenceId { get; }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PostStop()
    {
        RefuseWaiting(new Refusal(ErrorCodes.Internal, "The channel stopped before the voucher was signed. Try again."));
        base.PostStop();
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        Context.GetLogger().Error(cause, "The payments journal refused an event of {0}", PersistenceId);
        _replyTo.Tell(JournalFailures.Refusal);
        _opening = false;
        RefuseWaiting(JournalFailures.Refusal);
        if (_state.InFlight is { } flying)
        {
            Timers.StartSingleTimer(AskTimer, new AskPayee(flying.RequestId), _backoff);
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        _replyTo.Tell(JournalFailures.Refusal);
        RefuseWaiting(JournalFailures.Refusal);
    }

    private void Recovered()
    {
        Context.SetReceiveTimeout(IdleTimeout);
        if (_state.InFlight is { } flying)
        {
            Self.Tell(new AskPayee(flying.RequestId));
        }
    }

    /// <summary>Returns true when the next payment may be looked at right away.</summary>
    private bool Pay(PayerChannelCommands.Pay pay, IActorRef sender)
    {
        switch (_state.Decide(pay))
        {
            case PayDecision.Issue issue:
                Record(issue.Event, sender, () =>
                {
                    sender.Tell(Voucher(pay.RequestId, issue.Event.PriceMicro, issue.Event.CumulativeMicro));
                    Timers.StartSingleTimer(FlightTimer, new AskPayee(pay.RequestId), _payer.Times.MaxFlight);
                });
                return false;
            case PayDecision.Again again:
                sender.Tell(Voucher(pay.RequestId, again.PriceMicro, again.CumulativeMicro));
                return true;
            case PayDecision.Wait:
                Wait(pay, sender);
                return false;
            case PayDecision.Open open:
                Wait(pay, sender);
                Open(pay, open.ProposeAnew);
                return false;
            case PayDecision.Refuse refuse:
                sender.Tell(refuse.Refusal);
                return true;
            default:
                throw new InvalidOperationException("A payment is decided in one of five ways.");
        }
    }

    private void Next()
    {
        while (!_opening && _state.InFlight is null && _waiting.TryTake(out var pay, out var sender) && Pay(pay, sender))
        {
        }
    }

    private void Wait(PayerChannelCommands.Pay pay, IActorRef sender)
    {
        if (!_waiting.TryAdd(pay, sender))
        {
            sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{ChannelLimits.MaxWaiting} payments to this payee wait already. Try again later."));
        }
        else if (!Timers.IsTimerActive(SweepTimer))
        {
            Timers.StartPeriodicTimer(SweepTimer, new Sweep(), SweepEvery);
        }
    }

    private void Expire()
    {
        foreach (var (pay, sender) in _waiting.TakeOverdue())
        {
            sender.Tell(_state.InFlight is { } flying
                ? new Refusal(ErrorCodes.PaymentPending, $"The payment for {flying.RequestId} is not settled yet, and one voucher at a time may be on its way. {pay.RequestId} was not signed; try again when the payee can be reached.")
                : new Refusal(ErrorCodes.Timeout, $"The payment for {pay.RequestId} waited too long and was not signed. Try again."));
        }

        if (_waiting.Count == 0)
        {
            Timers.Cancel(SweepTimer);
        }
    }

    private void RefuseWaiting(Refusal refusal)
    {
        while (_waiting.TryTake(out _, out var sender))
        {
            sender.Tell(refusal);
        }
    }

    private void Open(PayerChannelCommands.Pay pay, bool anew)
    {
        _opening = true;
        if (anew)
        {
            Record(_state.Propose(pay, _payer.Identity.Wallet.Address.Span, _payer.NewSalt(), _payer.DepositMicro), ActorRefs.Nobody, CallOpen);
        }
        else
        {
            CallOpen();
        }
    }

    private void CallOpen()
    {
        var (list, key, payee, terms) = (_registry.Get<ActorKeys.Channels>(), _state.ChannelKey, _state.PayeePeerId!, _state.Terms!);
        OpenAsync(list, key, payee, terms).PipeTo(Self, failure: e => new NotOpened(new Refusal(ErrorCodes.Internal, $"The channel could not be opened: {e.Message} Nothing was signed; try again."), ByPayee: false));
    }

    private async Task<object> OpenAsync(IActorRef list, string key, string payee, ChannelTerms terms)
    {
        try
        {
            if (await list.Ask<object>(new ChannelListCommands.ListPayer(key), ChannelLimits.AskTimeout) is Refusal unlisted)
            {
                return new NotOpened(unlisted, ByPayee: false);
            }
        }
        catch (AskTimeoutException)
        {
            return new NotOpened(new Refusal(ErrorCodes.Timeout, "The list of channels did not answer in time. Nothing was signed; try again."), ByPayee: false);
        }

        return await _payer.Payees.OpenAsync(payee, terms, _payer.Identity.Binding) switch
        {
            ({ Standing: { Known: true, Open: true } }, _) => new Opened(),
            ({ } refused, _) => new NotOpened(new Refusal(ErrorCodes.ChannelRefused, $"The payee does not open a channel: {refused.RefusedMessage} Nothing was signed."), ByPayee: true),
            (null, var failure) => new NotOpened(new Refusal(ErrorCodes.PeerUnreachable, $"The payee could not be asked to open a channel: {failure} Nothing was signed; try again."), ByPayee: false),
        };
    }

    private void OpeningEnded()
    {
        _opening = false;
        Next();
    }

    private void NotOpen(NotOpened failed)
    {
        RefuseWaiting(failed.Refusal);
        if (failed.ByPayee)
        {
            Record(new PayerChannelEvents.Withdrawn(), ActorRefs.Nobody, OpeningEnded);
        }
        else
        {
            OpeningEnded();
        }
    }

    private void Settle(PayerChannelCommands.Settle settle)
    {
        if (settle.Outcome != PaymentOutcome.Unknown && _state.Resolve(settle.RequestId, settle.Outcome == PaymentOutcome.Accepted) is { } resolved)
        {
            End(resolved, Sender);
        }
        else
        {
            Find(settle.RequestId);
        }
    }

    /// <summary>Tells the sender what became of a request, now or when the payee has said it. One that still waits is not paid any more.</summary>
    private void Find(string requestId)
    {
        foreach (var sender in _waiting.Withdraw(requestId))
        {
            sender.Tell(new Refusal(ErrorCodes.Conflict, $"The payment for {requestId} was withdrawn before it was signed."));
        }

        if (_state.OutcomeOf(requestId) is { } known)
        {
            Sender.Tell(known);
            return;
        }

        if (!_curious.TryGetValue(requestId, out var curious))
        {
            _curious.Add(requestId, curious = []);
            curious.Add(Sender);
            Ask(requestId);
        }
        else if (curious.Count < ChannelLimits.MaxWaiting)
        {
            curious.Add(Sender);
        }
        else
        {
            Sender.Tell(Unknown(requestId));
        }
    }

    private void Ask(string requestId)
    {
        if (_state.Terms is not { } terms)
        {
            throw new InvalidOperationException("A voucher was in flight in a channel without terms.");
        }

        // Whatever goes wrong with asking, the answer is still out: it is asked again.
        AskAsync(_state.PayeePeerId!, ChannelIds.Of(terms), requestId).PipeTo(Self, failure: _ => new Standing(requestId, null));
    }

    private async Task<Standing> AskAsync(string payee, byte[] channelId, string requestId) =>
        new(requestId, (await _payer.Payees.StatusAsync(payee, channelId, requestId)).Reply);

    /// <summary>The payee's word: a request that it does not call paid stays unpaid, for it has voided it.</summary>
    private void Told(Standing told)
    {
        if (told.AtPayee is not null && _state.Resolve(told.RequestId, told.AtPayee) is { } resolved)
        {
            if (resolved.HeldMicro > 0)
            {
                Context.GetLogger().Warning("The payee of {0} holds {1} micro-units of vouchers, more than it had said before", PersistenceId, resolved.HeldMicro);
            }

            End(resolved, ActorRefs.Nobody);
            return;
        }

        if (told.AtPayee is null && _state.InFlight?.RequestId == told.RequestId)
        {
            Timers.StartSingleTimer(AskTimer, new AskPayee(told.RequestId), _backoff);
            _backoff = _backoff * 2 < _payer.Times.MaxBackoff ? _backoff * 2 : _payer.Times.MaxBackoff;
        }

        var paid = told.AtPayee is { Known: true, RequestPaid: true };
        TellCurious(told.RequestId, _state.OutcomeOf(told.RequestId) ?? (told.AtPayee is null
            ? Unknown(told.RequestId)
            : new PaymentSettled(_state.ChannelKey, told.RequestId, paid ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(paid ? told.AtPayee.RequestMicro : 0))));
    }

    private void End(PayerChannelEvents.Resolved resolved, IActorRef sender) => Record(resolved, sender, () =>
    {
        Timers.Cancel(FlightTimer);
        Timers.Cancel(AskTimer);
        _backoff = _payer.Times.MinBackoff;
        var outcome = _state.OutcomeOf(resolved.RequestId)!;
        sender.Tell(outcome);
        TellCurious(resolved.RequestId, outcome);
        Next();
    });

    private void TellCurious(string requestId, PaymentSettled outcome)
    {
        if (_curious.Remove(requestId, out var curious))
        {
            curious.ForEach(sender => sender.Tell(outcome));
        }
    }

    private void Record(object happened, IActorRef replyTo, Action then)
    {
        _replyTo = replyTo;
        Persist(happened, e =>
        {
            _state = _state.Apply(e);
            if (LastSequenceNr % ChannelLimits.SnapshotEvery == 0)
            {
                SaveSnapshot(new PayerChannelSnapshot(_state));
            }

            then();
        });
    }

    private VoucherSigned Voucher(string requestId, ulong priceMicro, ulong cumulativeMicro) =>
        new(_state.ChannelKey, requestId, _signer.Sign(_state.Terms!, cumulativeMicro), Micro(priceMicro));

    private PaymentSettled Unknown(string requestId) => new(_state.ChannelKey, requestId, PaymentOutcome.Unknown, Micro(0));

    private Amount Micro(ulong micro) => new(micro, _state.Terms is { } terms ? Currency.Parse(terms.Currency) : Currency.Usdc);

    private void PassivateWhenIdle()
    {
        if (_state.InFlight is null && _waiting.Count == 0 && !_opening)
        {
            Context.Parent.Tell(new Passivate(StopEntity.Instance));
        }
    }

    private sealed record Opened;

    private sealed record NotOpened(Refusal Refusal, bool ByPayee);

    private sealed record Standing(string RequestId, ChannelStanding? AtPayee);

    private sealed record AskPayee(string RequestId);

    private sealed record Sweep;
}
