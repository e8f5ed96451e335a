using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What payee channels need of their peer.</summary>
/// <param name="PeerId">This peer's id.</param>
/// <param name="Terms">All terms on which it is paid, the preferred ones first.</param>
/// <param name="Chains">The chains it is set up for; null: none.</param>
/// <param name="Escrow">Closes channels on chain.</param>
internal sealed record Payee(string PeerId, IReadOnlyList<PaymentTerms> Terms, IChains? Chains, EscrowTransactions Escrow)
{
    /// <summary>This peer's terms of that token, escrow and chain; the preferred ones when it has none.</summary>
    public PaymentTerms TermsFor(ChannelTerms terms) =>
        Terms.FirstOrDefault(own => own.Token.Equals(terms.Token) && own.Escrow.Equals(terms.Escrow) && own.ChainId == terms.ChainId) ?? Terms[0];
}

/// <summary>One channel that pays this peer: journals what <see cref="PayeeChannelState"/> decides, then replies; looks at the escrow and has it closed.</summary>
internal sealed partial class PayeeChannelActor : ChannelActor<PayeeChannelState>
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan UnknownTimeout = TimeSpan.FromSeconds(10);
    private readonly IReadOnlyActorRegistry _registry;
    private readonly Payee _payee;
    private bool _isClosing;
    private BalanceWaiters? _waiters;

    public PayeeChannelActor(string channelId, Payee payee, IReadOnlyActorRegistry registry)
        : base("payee-channel-" + channelId, new PayeeChannelState(channelId), state => new PayeeChannelSnapshot(state), snapshot => ((PayeeChannelSnapshot)snapshot).State, (state, e) => state.Apply(e))
    {
        (_payee, _registry) = (payee, registry);
        Command<PayeeChannelCommands.Accept>(accept =>
        {
            var decision = State.Decide(accept);
            ChannelFaults.Hit(ChannelFaults.PayeeAccepting);
            Carry(decision);
        });
        Command<PayeeChannelCommands.Take>(take => Carry(State.Decide(take)));
        Command<PayeeChannelCommands.Spend>(spend => Carry(State.Decide(spend)));
        Command<MeteringCommands.Meter>(meter => Carry(State.Decide(meter)));
        Command<MeteringCommands.AwaitBalance>(AwaitBalance);
        Command<BalanceWaiters.Overdue>(overdue => _waiters!.Expire(overdue, State.Overdue));
        Command<PayeeChannelCommands.Delivered>(Delivered);
        Command<PayeeChannelCommands.Resolve>(resolve => Carry(State.Decide(resolve)));
        Command<PayeeChannelCommands.Get>(get => Carry(State.Decide(get)));
        Command<PayeeChannelCommands.GetHighestVoucher>(get => Carry(State.Decide(get)));
        Command<PayeeChannelCommands.Open>(Open);
        Command<PayeeChannelCommands.OpenOnChain>(Open);
        Command<PayeeChannelCommands.TopUp>(TopUp);
        Command<PayeeChannelCommands.Refresh>(refresh => Look(refresh, State.Terms));
        Command<PayeeChannelCommands.Close>(close => Carry(State.Decide(close, _payee.PeerId)));
        Command<CloseTransaction>(OnCloseTransaction);
        Command<RetryClose>(_ => CloseInEscrow());
        Command<Looked>(Seen);
        Command<Admitted>(admitted => Carry(admitted.Command is PayeeChannelCommands.TopUp topUp ? State.Decide(topUp) : DecideOpening(admitted.Command, admitted.Escrow)));
        Command<Refusal>(refusal => Sender.Tell(refusal));
    }

    protected override bool IsIdle => _waiters is not { Count: > 0 };

    // Anyone may ask after a channel that is not there; its entity must not stay.
    protected override void Recovered()
    {
        Change(state => state with { IsRecovered = true });
        Context.SetReceiveTimeout(State.Terms is null ? UnknownTimeout : IdleTimeout);
        if (State.Phase == ChannelPhase.Closed)
        {
            Release();
        }

        CloseInEscrow();
    }

    protected override void Written(object happened)
    {
        ChannelFaults.HitAfter(happened);
        _waiters?.Answer(State.Decide);
        switch (happened)
        {
            case PayeeChannelEvents.Opened:
                Context.SetReceiveTimeout(IdleTimeout);
                break;
            case PayeeChannelEvents.Closed:
                Release();
                break;
            case PayeeChannelEvents.ClosingBegun:
                CloseInEscrow();
                break;
            default:
                break;
        }
    }

    /// <summary>What is owed on trust stays a debt; the rest of the credit is free again.</summary>
    private void Release() =>
        _registry.Get<ActorKeys.Channels>().Tell(new ChannelListCommands.ReleasePayee(State.ChannelId, State.OnChain ? 0 : State.SettledMicro), ActorRefs.NoSender);

    private void Carry(PayeeDecision decision)
    {
        var (sender, reply) = (Sender, decision.Reply);
        Commit(decision.Event, () => sender.Tell(reply), refusal => sender.Tell(
            reply is VoucherAccepted && refusal is Refusal { } why ? new VoucherRefused(State.ChannelId, why.Code, why.Message, null) : refusal));
    }

    // Lost in a crash, it is served again from the same payment at worst: the payer asks with the same request.
    private void Delivered(PayeeChannelCommands.Delivered delivered)
    {
        var decision = State.Decide(delivered);
        if (decision.Event is { } happened)
        {
            CommitLater(happened);
        }

        Sender.Tell(decision.Reply);
    }

    private void AwaitBalance(MeteringCommands.AwaitBalance wait)
    {
        if (State.Decide(wait) is { } answer)
        {
            Carry(new PayeeDecision(null, answer));
        }
        else if (_waiters is { Count: >= ChannelLimits.MaxWaitingStreams })
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{ChannelLimits.MaxWaitingStreams} streams of this channel wait for vouchers already; try again later."));
        }
        else
        {
            (_waiters ??= new BalanceWaiters(Timers)).Add(wait, Sender);
        }
    }
}
