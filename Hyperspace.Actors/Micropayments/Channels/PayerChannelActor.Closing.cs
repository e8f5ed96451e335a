using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Payments to the payee itself, topping up, and closing.</content>
internal sealed partial class PayerChannelActor
{
    private readonly List<IActorRef> _closers = [];
    private readonly List<IActorRef> _toppers = [];
    private bool _isCallingClose;
    private bool _isCallingTopUp;

    private void CommandsOfClosing()
    {
        Command<PayerChannelCommands.TopUp>(TopUp);
        Command<TopUpAnswered>(OnTopUp);
        Command<RetryTopUp>(_ => ResumeTopUp());
        Command<PayerChannelCommands.Close>(Close);
        Command<CloseAnswered>(OnClose);
        Command<RetryClose>(_ => CloseWhenLanded());
    }

    private void Send(PayerChannelCommands.Send send)
    {
        if (State.Terms is not { } terms || !State.Is(send.ChannelId))
        {
            Sender.Tell(PayerChannelState.NotOpen);
            return;
        }

        var own = new PaymentTerms { Payee = terms.Payee, Token = terms.Token, Escrow = terms.Escrow, ChainId = terms.ChainId, Currency = terms.Currency };
        SendAsync(Self, new PayerChannelCommands.Pay(send.ChannelKey, send.RequestId, send.Amount, State.PayeePeerId!, own, new IdentityBinding(), send.SessionId, send.Memo)).PipeTo(Sender, Self);
    }

    private async Task<object> SendAsync(IActorRef self, PayerChannelCommands.Pay pay)
    {
        try
        {
            if (await self.Ask<object>(pay, _payer.Times.MaxWait + ChannelLimits.AskTimeout).ConfigureAwait(false) is not VoucherSigned signed)
            {
                return new Refusal(ErrorCodes.PaymentOverDeposit, $"The channel cannot pay {pay.Price} now: its deposit is used up, or it is busy. Top it up, or try again.");
            }

            var (reply, _) = await _payer.Payees.PayAsync(pay.PayeePeerId, new VoucherPayment { Voucher = signed.Voucher, RequestId = pay.RequestId, AmountMicro = pay.Price.MicroUnits, Memo = pay.Memo ?? "" }).ConfigureAwait(false);
            var outcome = reply?.Accepted is not null ? PaymentOutcome.Accepted : PaymentOutcome.Unknown;
            var settled = await self.Ask<object>(new PayerChannelCommands.Settle(pay.ChannelKey, pay.RequestId, outcome), ChannelLimits.AskTimeout).ConfigureAwait(false);
            return settled is PaymentSettled { Outcome: PaymentOutcome.Refused } && reply is { RefusedCode.Length: > 0 and <= 64 }
                ? new Refusal(reply.RefusedCode, $"The payee did not take the payment: {Cut(reply.RefusedMessage)}")
                : settled;
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.PaymentPending, "The payment's outcome is not known yet; ask for the channel before paying again, with the same request id.");
        }
    }

    private void TopUp(PayerChannelCommands.TopUp topUp)
    {
        var (begun, refusal) = State.Decide(topUp);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
        }
        else if (begun is null && State.ToppingUpMicro == 0)
        {
            CommitAndTell(null, State.View());
        }
        else
        {
            var sender = Sender;
            _toppers.Add(sender);
            Commit(begun, ResumeTopUp, refused =>
            {
                _toppers.Remove(sender);
                sender.Tell(refused);
            });
        }
    }

    private void ResumeTopUp()
    {
        if (State is { ToppingUpMicro: > 0, Terms: { } terms } && !_isCallingTopUp)
        {
            _isCallingTopUp = true;
            CallTopUpAsync(State.PayeePeerId!, terms, State).PipeTo(Self, failure: e => new TopUpAnswered(null, e.Message));
        }
    }

    private async Task<object> CallTopUpAsync(string payee, ChannelTerms terms, PayerChannelState state)
    {
        if (state.Funded && await _payer.Escrow.TopUpAsync(terms, state.DepositMicro, state.ToppingUpMicro).ConfigureAwait(false) is { } refusal)
        {
            return EscrowTransactions.IsFinal(refusal)
                ? new TopUpAnswered(new ChannelReply { RefusedCode = refusal.Code, RefusedMessage = refusal.Message }, null)
                : new TopUpAnswered(null, refusal.Message);
        }

        var (reply, failure) = await _payer.Payees.TopUpAsync(payee, ChannelIds.Of(terms), state.ToppingUpMicro).ConfigureAwait(false);

        // What lies in the escrow counts, whether the payee has seen it yet or not.
        return state.Funded && !(reply is { Standing: { } standing } && standing.DepositMicro >= state.ToppingUpMicro)
            ? new TopUpAnswered(null, failure ?? reply?.RefusedMessage)
            : new TopUpAnswered(reply, failure);
    }

    private void OnTopUp(TopUpAnswered answered)
    {
        _isCallingTopUp = false;
        ChannelFaults.Hit(ChannelFaults.PayerTopUpAnswered);
        if (answered.Reply is null)
        {
            // The payee may have raised it: this is asked again until it says so or not.
            TellAll(_toppers, new Refusal(ErrorCodes.PeerUnreachable, $"The payee could not be asked; it is asked again. {answered.Failure}"));
            Retry(new RetryTopUp());
            return;
        }

        _retryAfter = TimeSpan.Zero;
        var raised = answered.Reply.Standing is { Known: true } standing && standing.DepositMicro >= State.ToppingUpMicro;
        var refusal = new Refusal(ErrorCodes.ChannelRefused, $"The payee does not raise the deposit: {Cut(answered.Reply.RefusedMessage)}");
        Commit(
            new PayerChannelEvents.TopUpEnded(raised ? State.ToppingUpMicro : State.DepositMicro),
            () =>
            {
                TellAll(_toppers, raised ? State.View() : refusal);
                Next();
            },
            failed => TellAll(_toppers, failed));
    }

    private void Close(PayerChannelCommands.Close close)
    {
        var (begun, refusal) = State.Decide(close);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
            return;
        }

        var sender = Sender;
        _closers.Add(sender);
        Commit(begun, CloseWhenLanded, refused =>
        {
            _closers.Remove(sender);
            sender.Tell(refused);
        });
    }

    private void ResumeClosing() => CloseWhenLanded();

    /// <summary>Sends the final voucher once nothing is in flight.</summary>
    private void CloseWhenLanded()
    {
        if (State is { IsClosing: true, Terms: { } terms, Flying.IsEmpty: true } && !_isCallingClose)
        {
            _isCallingClose = true;
            RefuseWaiting(new Refusal(ErrorCodes.ChannelNotFound, "The channel is being closed; try again when it is, and another one will be opened."));
            CallCloseAsync(State.PayeePeerId!, terms, State).PipeTo(Self, failure: e => new CloseAnswered(null, e.Message));
        }
    }

    /// <summary>The payee may have spent more than this side knows, within what was signed: then it is asked again with that much.</summary>
    private async Task<object> CallCloseAsync(string payee, ChannelTerms terms, PayerChannelState state)
    {
        var final = state.FinalMicro(0);
        var (reply, failure) = await _payer.Payees.CloseAsync(payee, _signer.Sign(terms, final)).ConfigureAwait(false);
        if (reply is { RefusedCode: ErrorCodes.PaymentInsufficient, Standing: { Known: true } standing } && state.FinalMicro(Math.Max(standing.SpentMicro, standing.SettledMicro)) is var more && more > final)
        {
            (reply, failure) = await _payer.Payees.CloseAsync(payee, _signer.Sign(terms, more)).ConfigureAwait(false);
        }

        return new CloseAnswered(reply, failure);
    }

    private void OnClose(CloseAnswered answered)
    {
        _isCallingClose = false;
        ChannelFaults.Hit(ChannelFaults.PayerCloseAnswered);
        if (State is not { IsOpen: true, Flying.IsEmpty: true })
        {
            return;
        }

        if (answered.Reply?.Standing is { } standing && State.End(standing) is { } closed)
        {
            // The payee may have closed it by itself.
            Commit(State.IsClosing ? closed : new ChannelBatch([new PayerChannelEvents.ClosingBegun(), closed]), () => TellAll(_closers, State.History().Channels.Last(c => c.Phase == ChannelPhase.Closed)), failed => TellAll(_closers, failed));
            return;
        }

        if (!State.IsClosing)
        {
            return;
        }

        if (answered.Reply is { RefusedCode.Length: > 0 } refused)
        {
            var reason = Cut(refused.RefusedMessage);
            Commit(
                new PayerChannelEvents.ClosingRefused(reason),
                () => TellAll(_closers, new Refusal(ErrorCodes.ChannelRefused, $"The payee does not close the channel: {reason}")),
                failed => TellAll(_closers, failed));
            return;
        }

        // On its way on chain, or the payee cannot be reached: it goes on by itself.
        TellAll(_closers, answered.Reply is null ? new Refusal(ErrorCodes.PeerUnreachable, $"The payee could not be asked to close the channel; it is asked again. {answered.Failure}") : State.View());
        Retry(new RetryClose());
    }

    private static void TellAll(List<IActorRef> waiting, object reply)
    {
        waiting.ForEach(sender => sender.Tell(reply));
        waiting.Clear();
    }

    private sealed record TopUpAnswered(ChannelReply? Reply, string? Failure);

    private sealed record RetryTopUp : INotInfluenceReceiveTimeout;

    private sealed record CloseAnswered(ChannelReply? Reply, string? Failure);

    private sealed record RetryClose : INotInfluenceReceiveTimeout;
}
