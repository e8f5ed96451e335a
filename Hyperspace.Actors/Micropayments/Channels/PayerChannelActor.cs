using Akka.Actor;
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

    private VoucherSigned Voucher(ChannelTerms terms, string requestId, ulong priceMicro, ulong cumulativeMicro) =>
        new(State.ChannelKey, requestId, _signer.Sign(terms, cumulativeMicro), Micro(priceMicro));

    private Amount Micro(ulong micro) => new(micro, State.Terms is { } terms ? Currency.Parse(terms.Currency) : Currency.Usdc);

    /// <summary>Tries something again by itself, later each time until it has worked.</summary>
    private void Retry(object message)
    {
        _retryAfter = _retryAfter == TimeSpan.Zero ? _payer.Times.MinBackoff : _retryAfter * 2 < _payer.Times.MaxBackoff ? _retryAfter * 2 : _payer.Times.MaxBackoff;
        Timers.StartSingleTimer(message.GetType().Name, message, _retryAfter);
    }

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * _payer.Time.TimestampFrequency);

    private sealed record Sweep : INotInfluenceReceiveTimeout;

    /// <summary>When the payee is asked about a voucher in flight.</summary>
    private sealed class Flight(TimeSpan backoff)
    {
        public long Due { get; set; }

        public TimeSpan Backoff { get; set; } = backoff;

        public bool IsAsking { get; set; }
    }
}
