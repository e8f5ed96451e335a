using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
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
/// <param name="Escrow">Funds channels on chain.</param>
/// <param name="DepositMicro">The deposit to propose.</param>
/// <param name="Window">Vouchers in flight at once.</param>
/// <param name="Time">The clock.</param>
/// <param name="Times">How long to wait for what.</param>
/// <param name="NewSalt">32 random bytes.</param>
internal sealed record Payer(PeerIdentity Identity, PayeeClient Payees, EscrowTransactions Escrow, ulong DepositMicro, int Window, TimeProvider Time, PayerTimes Times, Func<byte[]> NewSalt);

/// <summary>
/// One channel that this peer pays over. Journals what <see cref="PayerChannelState"/> decides, then signs and replies;
/// opens the channel at the payee; lets payments wait for the vouchers in flight; and asks the payee what became of one when
/// nobody else says: after a restart, on <see cref="PaymentOutcome.Unknown"/>, or when word of it is overdue.
/// </summary>
internal sealed partial class PayerChannelActor : ChannelActor<PayerChannelState>
{
    private const string SweepTimer = "sweep";
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);
    private readonly Payer _payer;
    private readonly VoucherSigner _signer;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly WaitingPayments _waiting;
    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<IActorRef>> _curious = new(StringComparer.Ordinal);
    private TimeSpan _retryAfter;

    public PayerChannelActor(string channelKey, Payer payer, IReadOnlyActorRegistry registry)
        : base(
            "payer-channel-" + channelKey, new PayerChannelState(channelKey) { Window = payer.Window }, state => new PayerChannelSnapshot(state),
            snapshot => ((PayerChannelSnapshot)snapshot).State with { Window = payer.Window }, (state, e) => state.Apply(e))
    {
        (_payer, _registry) = (payer, registry);
        _signer = new VoucherSigner(payer.Identity.Wallet);
        _waiting = new WaitingPayments(payer.Time, payer.Times.MaxWait);
        Command<PayerChannelCommands.Pay>(pay => Pay(pay, Sender));
        Command<PayerChannelCommands.Settle>(Settle);
        Command<MeteringCommands.Raise>(Raise);
        Command<MeteringCommands.SettleStream>(SettleStream);
        Command<PayerChannelCommands.Resolve>(resolve => Find(resolve.RequestId));
        Command<PayerChannelCommands.Get>(_ => CommitAndTell(null, State.View()));
        Command<PayerChannelCommands.GetHistory>(_ => CommitAndTell(null, State.History()));
        Command<PayerChannelCommands.Send>(Send);
        Command<Standing>(Told);
        Command<Sweep>(_ => OnSweep());
        CommandsOfOpening();
        CommandsOfClosing();
    }

    protected override bool IsIdle => State.Flying.IsEmpty && _waiting.Count == 0 && !_opening && !State.IsClosing && State.ToppingUpMicro == 0;

    protected override void PostStop()
    {
        RefuseWaiting(new Refusal(ErrorCodes.Internal, "The channel stopped before the voucher was signed. Try again."));
        base.PostStop();
    }

    protected override void Recovered()
    {
        Context.SetReceiveTimeout(IdleTimeout);
        foreach (var requestId in State.Flying.Keys)
        {
            _flights.Add(requestId, new Flight(_payer.Times.MinBackoff));
            Ask(requestId);
        }

        ResumeOpening();
        ResumeTopUp();
        ResumeClosing();
        StartSweeping();
    }

    protected override void Written(object happened) => ChannelFaults.HitAfter(happened);

    private void Pay(PayerChannelCommands.Pay pay, IActorRef sender)
    {
        switch (State.Decide(pay))
        {
            case PayDecision.Issue issue when _waiting.Count == 0 && !_opening:
                Carry(issue, pay, sender);
                break;
            case var answer and (PayDecision.Again or PayDecision.Refuse):
                Carry(answer, pay, sender);
                break;
            default:
                if (!_waiting.TryAdd(pay, sender))
                {
                    sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{ChannelLimits.MaxWaiting} payments to this payee wait already. Try again later."));
                    return;
                }

                StartSweeping();
                Next();
                break;
        }
    }

    private void Next()
    {
        while (!_opening && _waiting.TryPeek(out var pay, out var sender))
        {
            switch (State.Decide(pay))
            {
                case PayDecision.Wait:
                    return;
                case PayDecision.Open open:
                    Open(pay, open.ProposeAnew);
                    return;
                case var decision:
                    _waiting.TryTake(out _, out _);
                    Carry(decision, pay, sender);
                    break;
            }
        }
    }

    private void Carry(PayDecision decision, PayerChannelCommands.Pay pay, IActorRef sender)
    {
        switch (decision)
        {
            case PayDecision.Issue { Event: var issued }:
                var terms = State.Terms!;
                Commit(
                    issued,
                    () =>
                    {
                        sender.Tell(Voucher(terms, pay.RequestId, issued.PriceMicro, issued.CumulativeMicro));
                        _flights.TryAdd(pay.RequestId, new Flight(_payer.Times.MinBackoff) { Due = _payer.Time.GetTimestamp() + Ticks(pay.Streams ? _payer.Times.MaxStream : _payer.Times.MaxFlight) });
                        StartSweeping();
                    },
                    sender.Tell);
                break;
            case PayDecision.Again again:
                var known = State.Terms!;
                Commit(null, () => sender.Tell(Voucher(known, pay.RequestId, again.PriceMicro, again.CumulativeMicro)), sender.Tell);
                break;
            case PayDecision.Refuse refuse:
                sender.Tell(refuse.Refusal);
                break;
            default:
                throw new InvalidOperationException($"{decision.GetType().Name} is not carried out.");
        }
    }

    private void RefuseWaiting(Refusal refusal)
    {
        while (_waiting.TryTake(out _, out var sender))
        {
            sender.Tell(refusal);
        }
    }

    private void StartSweeping()
    {
        if ((_waiting.Count > 0 || _flights.Count > 0) && !Timers.IsTimerActive(SweepTimer))
        {
            Timers.StartPeriodicTimer(SweepTimer, new Sweep(), _payer.Times.MinBackoff);
        }
    }

    private void OnSweep()
    {
        foreach (var (pay, sender) in _waiting.TakeOverdue())
        {
            sender.Tell(State.Flying.IsEmpty
                ? new Refusal(ErrorCodes.Timeout, $"The payment for {pay.RequestId} waited too long and was not signed. Try again.")
                : new Refusal(ErrorCodes.PaymentPending, $"{State.Flying.Count} payments to this payee are not settled yet, and no more may be on their way. {pay.RequestId} was not signed; try again when the payee can be reached."));
        }

        var now = _payer.Time.GetTimestamp();
        foreach (var (requestId, flight) in _flights)
        {
            if (!flight.IsAsking && flight.Due <= now)
            {
                Ask(requestId);
            }
        }

        if (_waiting.Count == 0 && _flights.Count == 0)
        {
            Timers.Cancel(SweepTimer);
        }
    }

    private void Settle(PayerChannelCommands.Settle settle)
    {
        ChannelFaults.Hit(ChannelFaults.PayerSettling);
        if (settle.Outcome != PaymentOutcome.Unknown && State.Resolve(settle.RequestId, settle.Outcome == PaymentOutcome.Accepted) is { } resolved)
        {
            End(resolved, Sender);
        }
        else
        {
            Find(settle.RequestId);
        }
    }

    private void Raise(MeteringCommands.Raise raise)
    {
        var (raised, refusal) = State.Decide(raise);
        if (raised is null)
        {
            Sender.Tell(refusal);
            return;
        }

        var (sender, terms, allowed) = (Sender, State.Terms!, State.Flying[raise.RequestId].PriceMicro + raised.ByMicro);
        Commit(raised, () => sender.Tell(Voucher(terms, raise.RequestId, allowed, raised.CumulativeMicro)), sender.Tell);
    }

    private void SettleStream(MeteringCommands.SettleStream settle)
    {
        if (State.Resolve(settle) is { } resolved)
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

        if (State.OutcomeOf(requestId) is { } known)
        {
            CommitAndTell(null, known);
            return;
        }

        if (!_curious.TryGetValue(requestId, out var curious))
        {
            _curious.Add(requestId, [Sender]);
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
        if (State.Terms is not { } terms)
        {
            // It was paid, if at all, over a channel that is closed.
            TellCurious(requestId, Unknown(requestId));
            return;
        }

        if (_flights.TryGetValue(requestId, out var flight))
        {
            flight.IsAsking = true;
        }

        // Whatever goes wrong with asking, the answer is still out: it is asked again.
        AskAsync(State.PayeePeerId!, ChannelIds.Of(terms), requestId).PipeTo(Self, failure: _ => new Standing(requestId, null));
    }

    private async Task<Standing> AskAsync(string payee, byte[] channelId, string requestId) =>
        new(requestId, (await _payer.Payees.StatusAsync(payee, channelId, requestId).ConfigureAwait(false)).Reply);

    /// <summary>The payee's word: a request that it does not call paid stays unpaid, for it has voided it.</summary>
    private void Told(Standing told)
    {
        if (told.AtPayee is not null && State.Resolve(told.RequestId, told.AtPayee) is { } resolved)
        {
            if (resolved.HeldMicro > 0)
            {
                Log.Warning("The payee of {0} has spent {1} micro-units of vouchers, more than it had said before", PersistenceId, resolved.HeldMicro);
            }

            End(resolved, ActorRefs.Nobody);
            return;
        }

        if (_flights.TryGetValue(told.RequestId, out var flight))
        {
            flight.IsAsking = false;
            flight.Due = _payer.Time.GetTimestamp() + Ticks(flight.Backoff);
            flight.Backoff = flight.Backoff * 2 < _payer.Times.MaxBackoff ? flight.Backoff * 2 : _payer.Times.MaxBackoff;
        }

        if (told.AtPayee is { Closed: true } standing)
        {
            Self.Tell(new CloseAnswered(new ChannelReply { Standing = standing }, null));
        }

        var paid = told.AtPayee is { Known: true, RequestPaid: true };
        TellCurious(told.RequestId, State.OutcomeOf(told.RequestId) ?? (told.AtPayee is null
            ? Unknown(told.RequestId)
            : new PaymentSettled(State.ChannelKey, told.RequestId, paid ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(paid ? told.AtPayee.RequestMicro : 0))));
    }

    private void End(PayerChannelEvents.Resolved resolved, IActorRef sender)
    {
        void Answer()
        {
            var outcome = State.OutcomeOf(resolved.RequestId)!;
            sender.Tell(outcome);
            TellCurious(resolved.RequestId, outcome);
        }

        _flights.Remove(resolved.RequestId);
        if (resolved is { Accepted: true, HeldMicro: 0 })
        {
            // The payee has it in its journal: it says the same after a crash.
            CommitLater(resolved);
            Answer();
        }
        else
        {
            Commit(resolved, Answer, sender.Tell);
        }

        Next();
        if (State.IsClosing)
        {
            Commit(null, CloseWhenLanded, _ => { });
        }
    }

    private void TellCurious(string requestId, PaymentSettled outcome)
    {
        if (_curious.Remove(requestId, out var curious))
        {
            curious.ForEach(sender => sender.Tell(outcome));
        }
    }

    private VoucherSigned Voucher(ChannelTerms terms, string requestId, ulong priceMicro, ulong cumulativeMicro) =>
        new(State.ChannelKey, requestId, _signer.Sign(terms, cumulativeMicro), Micro(priceMicro));

    private PaymentSettled Unknown(string requestId) => new(State.ChannelKey, requestId, PaymentOutcome.Unknown, Micro(0));

    private Amount Micro(ulong micro) => new(micro, State.Terms is { } terms ? Currency.Parse(terms.Currency) : Currency.Usdc);

    /// <summary>Tries something again by itself, later each time until it has worked.</summary>
    private void Retry(object message)
    {
        _retryAfter = _retryAfter == TimeSpan.Zero ? _payer.Times.MinBackoff : _retryAfter * 2 < _payer.Times.MaxBackoff ? _retryAfter * 2 : _payer.Times.MaxBackoff;
        Timers.StartSingleTimer(message.GetType().Name, message, _retryAfter);
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _payer.Time.TimestampFrequency);

    private sealed record Standing(string RequestId, ChannelStanding? AtPayee);

    private sealed record Sweep : INotInfluenceReceiveTimeout;

    /// <summary>When the payee is asked about a voucher in flight.</summary>
    private sealed class Flight(TimeSpan backoff)
    {
        public long Due { get; set; }

        public TimeSpan Backoff { get; set; } = backoff;

        public bool IsAsking { get; set; }
    }
}
