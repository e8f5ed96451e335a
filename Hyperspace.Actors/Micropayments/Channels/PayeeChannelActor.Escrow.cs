using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What the escrow and the list of channels have a say in: how a channel is opened, topped up, and closed on chain.</summary>
internal sealed partial class PayeeChannelActor
{
    private void Open(PayeeChannelCommands.Open open)
    {
        if (State.Terms is not null && (!open.Funded || State.OnChain))
        {
            Carry(State.Decide(open, _payee.TermsFor(open.Terms)));
        }
        else
        {
            Look(open, open.Terms);
        }
    }

    private void Open(PayeeChannelCommands.OpenOnChain open)
    {
        if (!ChannelIds.IsText(open.ChannelId) || TermsOf(open) is not { } own)
        {
            Sender.Tell(new Refusal(ErrorCodes.ChannelRefused, $"This peer takes no channels of that kind on chain {open.ChainId}."));
        }
        else if (State.Terms is not null)
        {
            Carry(State.Decide(open, own, null));
        }
        else
        {
            Look(open, new ChannelTerms { ChainId = open.ChainId, Escrow = own.Escrow });
        }
    }

    private void TopUp(PayeeChannelCommands.TopUp topUp)
    {
        var decision = State.Decide(topUp);
        if (State.OnChain && topUp.DepositMicro > State.DepositMicro)
        {
            Look(topUp, State.Terms);
        }
        else if (decision.Event is null)
        {
            Carry(decision);
        }
        else
        {
            Admit(topUp, topUp.PayerId, topUp.DepositMicro, null);
        }
    }

    /// <summary>Reads what the escrow has of this channel, then goes on with the command as <see cref="Looked"/>.</summary>
    private void Look(object command, ChannelTerms? terms)
    {
        if (terms is null || _payee.Chains?.Find(terms.ChainId) is not { } chain || !IsEscrow(chain.Options, terms.Escrow.Span))
        {
            Self.Tell(new Looked(command, null), Sender);
            return;
        }

        LookAsync(chain, terms, command).PipeTo(Self, Sender);
    }

    private async Task<object> LookAsync(IChainReader chain, ChannelTerms terms, object command)
    {
        try
        {
            using var deadline = new CancellationTokenSource(ChannelLimits.ChainTimeout);
            return new Looked(command, await chain.ChannelAsync(terms.Escrow.Memory, ChannelIds.Parse(State.ChannelId), deadline.Token).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return new Refusal(ErrorCodes.PeerUnreachable, $"The chain {terms.ChainId} could not be asked about the channel; try again. {(e is IOException ? e.Message : "")}");
        }
    }

    private void Seen(Looked looked)
    {
        switch (looked.Command)
        {
            case PayeeChannelCommands.Open or PayeeChannelCommands.OpenOnChain when State.Terms is null:
                var decision = DecideOpening(looked.Command, looked.Escrow);
                if (decision.Event is PayeeChannelEvents.Opened opened)
                {
                    Admit(looked.Command, opened.PayerPeerId, opened.OnChain ? 0 : opened.Terms.DepositMicro, looked.Escrow);
                }
                else
                {
                    Carry(decision);
                }

                break;
            case PayeeChannelCommands.TopUp topUp:
                Commit(State.See(looked.Escrow).Event, () => { }, _ => { });
                Carry(State.Decide(topUp));
                break;
            case PayeeChannelCommands.Open open:
                Commit(State.See(looked.Escrow).Event, () => { }, _ => { });
                Carry(State.OnChain || !open.Funded
                    ? State.Decide(open, _payee.TermsFor(open.Terms))
                    : new PayeeDecision(null, new Refusal(ErrorCodes.ChannelRefused, "The escrow holds no channel with this id; open it there first, and wait until its transaction is confirmed.")));
                break;
            default:
                Carry(State.See(looked.Escrow));
                break;
        }
    }

    private PayeeDecision DecideOpening(object command, EscrowChannel? escrow) => command is PayeeChannelCommands.Open open
        ? State.Decide(open, _payee.TermsFor(open.Terms), escrow)
        : State.Decide((PayeeChannelCommands.OpenOnChain)command, TermsOf((PayeeChannelCommands.OpenOnChain)command)!, escrow);

    /// <summary>Credit is given by the list of channels, which knows the payer's others; then the command is carried out.</summary>
    private void Admit(object command, string payer, ulong creditMicro, EscrowChannel? escrow)
    {
        var currency = Currency.Parse(State.Terms?.Currency ?? command switch
        {
            PayeeChannelCommands.Open open => open.Terms.Currency,
            PayeeChannelCommands.OpenOnChain open => TermsOf(open)!.Currency,
            _ => Currency.Usdc.Code,
        });
        AdmitAsync(new ChannelListCommands.AdmitPayee(State.ChannelId, payer, new Amount(creditMicro, currency)), new Admitted(command, escrow)).PipeTo(Self, Sender);
    }

    private async Task<object> AdmitAsync(ChannelListCommands.AdmitPayee admit, Admitted admitted)
    {
        try
        {
            return await _registry.Get<ActorKeys.Channels>().Ask<object>(admit, ChannelLimits.AskTimeout).ConfigureAwait(false) is Refusal refusal ? refusal : admitted;
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, "The list of channels did not answer in time; ask again.");
        }
    }

    private PaymentTerms? TermsOf(PayeeChannelCommands.OpenOnChain open) =>
        _payee.Chains?.Find(open.ChainId) is { Options: var chain } && (open.Domain == ChannelDomain.Native ? chain.Escrow : chain.LegacyEscrow) is { } escrow
            ? MutualCredit.TermsOf(_payee.Terms[0], chain, escrow)
            : null;

    private static bool IsEscrow(ChainOptions chain, ReadOnlySpan<byte> escrow) =>
        (chain.Escrow is { } native && native.Span.SequenceEqual(escrow)) || (chain.LegacyEscrow is { } legacy && legacy.Span.SequenceEqual(escrow));

    /// <summary>Has the escrow pay out what the final voucher says; the wish is the same however often it is uttered.</summary>
    private void CloseInEscrow()
    {
        if (State is { Phase: ChannelPhase.Closing, OnChain: true, ClosingProblem: null, Terms: { } terms } && !_isClosing)
        {
            _isClosing = true;
            CloseAsync(terms, State).PipeTo(Self, failure: e => new CloseTransaction(new Refusal(ErrorCodes.PaymentPending, e.Message)));
        }
    }

    private async Task<object> CloseAsync(ChannelTerms terms, PayeeChannelState state) => new CloseTransaction(
        await _payee.Escrow.CloseAsync(ChannelIds.Parse(state.ChannelId), terms, state.FinalMicro, state.FinalSignature.Memory, state.ClosingAttempts).ConfigureAwait(false));

    private void OnCloseTransaction(CloseTransaction ended)
    {
        _isClosing = false;
        if (ended.Refusal is null)
        {
            Look(new PayeeChannelCommands.Refresh(State.ChannelId), State.Terms);
        }
        else if (EscrowTransactions.IsFinal(ended.Refusal))
        {
            // The payer may have withdrawn meanwhile: then the escrow shows it.
            Commit(new PayeeChannelEvents.ClosingFailed(ended.Refusal.Message), () => Look(new PayeeChannelCommands.Refresh(State.ChannelId), State.Terms), _ => { });
        }
        else
        {
            Timers.StartSingleTimer(nameof(RetryClose), new RetryClose(), ChannelLimits.RetryClose);
        }
    }

    /// <summary>What became of the transaction that closes; null: it is final.</summary>
    private sealed record CloseTransaction(Refusal? Refusal);

    private sealed record RetryClose : INotInfluenceReceiveTimeout;

    /// <summary>What the escrow has, for the command that wanted to know.</summary>
    private sealed record Looked(object Command, EscrowChannel? Escrow);

    /// <summary>The list of channels has given credit for the command.</summary>
    private sealed record Admitted(object Command, EscrowChannel? Escrow);
}
