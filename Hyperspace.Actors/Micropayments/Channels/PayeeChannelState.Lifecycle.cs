using Google.Protobuf;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Opening, topping up, what the escrow shows, and closing.</content>
internal sealed partial record PayeeChannelState
{
    /// <summary>Opens on a payer's request.</summary>
    /// <param name="open">What it asks for.</param>
    /// <param name="own">This peer's terms of that token, escrow and chain.</param>
    /// <param name="escrow">What the escrow has of the channel; null: nothing, so that it is on trust.</param>
    public PayeeDecision Decide(PayeeChannelCommands.Open open, PaymentTerms own, EscrowChannel? escrow = null)
    {
        if (Terms is not null)
        {
            return Terms.Equals(open.Terms) && PayerPeerId == open.PayerPeerId
                ? new PayeeDecision(null, View())
                : Refuse(ErrorCodes.ChannelRefused, "A channel with this id is open on other terms; open another one with a fresh salt.");
        }

        if ((Objection(open, own, escrow) ?? (escrow is null ? null : Objection(escrow, own.Payee.Span, own.Token.Span))) is { } objection)
        {
            return Refuse(ErrorCodes.ChannelRefused, objection);
        }

        var opened = new PayeeChannelEvents.Opened(open.PayerPeerId, open.Terms.Clone(), escrow is not null, DepositOf(escrow), SettledOf(escrow));
        return new PayeeDecision(opened, Apply(opened).View());
    }

    /// <summary>Opens what lies in an escrow; check <see cref="ChannelIds.IsText"/> first.</summary>
    /// <param name="open">Which.</param>
    /// <param name="own">This peer's terms of that chain's token and escrow.</param>
    /// <param name="escrow">What the escrow has of it; null: nothing.</param>
    public PayeeDecision Decide(PayeeChannelCommands.OpenOnChain open, PaymentTerms own, EscrowChannel? escrow)
    {
        if (Terms is not null)
        {
            return OnChain && Terms.ChainId == open.ChainId && (ChannelDomain)Terms.Domain == open.Domain && Terms.Escrow.Equals(own.Escrow)
                ? new PayeeDecision(null, View())
                : Refuse(ErrorCodes.ChannelRefused, "A channel with this id is open on other terms; open another one with a fresh salt.");
        }

        if (escrow is null)
        {
            return Refuse(ErrorCodes.ChannelRefused, $"The escrow contract on chain {open.ChainId} holds no channel with this id; open it there first, and wait until its transaction is confirmed.");
        }

        if (Objection(escrow, own.Payee.Span, own.Token.Span) is { } objection)
        {
            return Refuse(ErrorCodes.ChannelRefused, objection);
        }

        var terms = new ChannelTerms
        {
            Payer = ByteString.CopyFrom(escrow.Payer.Span),
            Payee = own.Payee,
            Token = own.Token,
            AuthorizedSigner = ByteString.CopyFrom(escrow.AuthorizedSigner.Span),
            Escrow = own.Escrow,
            ChainId = open.ChainId,
            DepositMicro = DepositOf(escrow),
            Currency = own.Currency,
            Domain = (uint)open.Domain,
        };
        var opened = new PayeeChannelEvents.Opened(ChannelIds.PayerOf(open.ChainId, escrow.Payer.Span), terms, OnChain: true, DepositOf(escrow), SettledOf(escrow));
        return new PayeeDecision(opened, Apply(opened).View());
    }

    /// <summary>Raises a deposit on trust; the caller has got the credit for it. One on chain is raised by <see cref="See"/>.</summary>
    public PayeeDecision Decide(PayeeChannelCommands.TopUp topUp)
    {
        if (Terms is null || topUp.PayerId != PayerPeerId)
        {
            return NotFound();
        }

        if (topUp.DepositMicro <= DepositMicro)
        {
            return new PayeeDecision(null, View());
        }

        if (Phase != ChannelPhase.Open || CloseRequestedAt > 0)
        {
            return Refuse(ErrorCodes.ChannelNotFound, "The channel is closed; open another one.");
        }

        if (OnChain)
        {
            return Refuse(ErrorCodes.ChannelRefused, $"The escrow holds {Micro(DepositMicro)} of this channel, not {Micro(topUp.DepositMicro)}; top it up there, and wait until the transaction is confirmed.");
        }

        if (topUp.DepositMicro > Amount.MaxMicroUnits)
        {
            return Refuse(ErrorCodes.InvalidAmount, "The deposit is over the largest amount that there is.");
        }

        var raised = new PayeeChannelEvents.ToppedUp(topUp.DepositMicro);
        return new PayeeDecision(raised, Apply(raised).View());
    }

    /// <summary>What follows from another look at the escrow; null: it has nothing of the channel (any more, after a reorganisation).</summary>
    public PayeeDecision See(EscrowChannel? escrow)
    {
        if (Terms is null)
        {
            return NotFound();
        }

        if (Phase == ChannelPhase.Closed || (escrow is null && !OnChain))
        {
            return new PayeeDecision(null, View());
        }

        var seen = new PayeeChannelEvents.SeenOnChain(DepositOf(escrow), SettledOf(escrow), escrow?.CloseRequestedAt ?? 0);
        var changed = !OnChain || seen.DepositMicro != DepositMicro || seen.SettledMicro != SettledMicro || seen.CloseRequestedAt != CloseRequestedAt;
        if (escrow is { Finalized: true })
        {
            var end = new ChannelBatch([seen, new PayeeChannelEvents.Closed(seen.SettledMicro, seen.DepositMicro - seen.SettledMicro)]);
            return new PayeeDecision(end, Apply(end).View());
        }

        return changed ? new PayeeDecision(seen, Apply(seen).View()) : new PayeeDecision(null, View());
    }

    /// <param name="close">What is asked for.</param>
    /// <param name="self">This peer's id: it may close without a final voucher.</param>
    public PayeeDecision Decide(PayeeChannelCommands.Close close, string self)
    {
        if (Terms is null || (close.PayerId != PayerPeerId && close.PayerId != self))
        {
            return NotFound();
        }

        if (Phase == ChannelPhase.Closed || (Phase == ChannelPhase.Closing && ClosingProblem is null))
        {
            return new PayeeDecision(null, View());
        }

        if (close.FinalVoucher is null && close.PayerId != self)
        {
            return RefuseVoucher(null, ErrorCodes.PaymentInsufficient, $"A payer closes with a voucher over what was spent, {Micro(LeastFinalMicro)}.", LeastFinalMicro);
        }

        var (final, signature) = (OnChain ? AcceptedMicro : SpentMicro, HighestSignature);
        if (close.FinalVoucher is { } voucher)
        {
            if (Objection(voucher, requestId: null) is { } forged)
            {
                return forged;
            }

            if (voucher.CumulativeMicro < LeastFinalMicro)
            {
                return RefuseVoucher(null, ErrorCodes.PaymentInsufficient, $"{Micro(SpentMicro)} was spent and {Micro(SettledMicro)} settled; sign {Micro(LeastFinalMicro)}.", LeastFinalMicro);
            }

            if (voucher.CumulativeMicro > DepositMicro)
            {
                return OverDeposit(null, voucher.CumulativeMicro);
            }

            (final, signature) = (voucher.CumulativeMicro, voucher.Signature);
        }

        // On trust nobody else has to agree: it is closed at once.
        var begun = new PayeeChannelEvents.ClosingBegun(final, signature);
        object happened = OnChain ? begun : new ChannelBatch([begun, new PayeeChannelEvents.Closed(final, DepositMicro - final)]);
        return new PayeeDecision(happened, Apply(happened).View());
    }

    /// <summary>What a final voucher must come to: what was spent, and what the escrow has paid out already.</summary>
    public ulong LeastFinalMicro => Math.Max(SpentMicro, SettledMicro);

    private static ulong DepositOf(EscrowChannel? escrow) => escrow is null ? 0 : (ulong)UInt128.Min(escrow.Deposit, Amount.MaxMicroUnits);

    private static ulong SettledOf(EscrowChannel? escrow) => escrow is null ? 0 : (ulong)UInt128.Min(escrow.Settled, Amount.MaxMicroUnits);

    private static string? Objection(EscrowChannel escrow, ReadOnlySpan<byte> payee, ReadOnlySpan<byte> token) => escrow switch
    {
        { Finalized: true } => "The channel was closed before; a channel's id is never used again. Open another one with a fresh salt.",
        { CloseRequestedAt: > 0 } => "The payer has asked the escrow to close this channel; open another one.",
        _ when !escrow.Payee.Span.SequenceEqual(payee) => "The channel in the escrow pays another wallet than this peer's.",
        _ when !escrow.Token.Span.SequenceEqual(token) => "The channel in the escrow holds another token than this peer takes.",
        _ when escrow.Deposit <= escrow.Settled => "The channel in the escrow holds nothing.",
        _ => null,
    };

    private string? Objection(PayeeChannelCommands.Open open, PaymentTerms own, EscrowChannel? escrow)
    {
        var terms = open.Terms;
        if (!ChannelIds.AreWellFormed(terms) || ChannelIds.ToText(ChannelIds.Of(terms)) != ChannelId)
        {
            return "The channel's id is not the keccak256 of its terms.";
        }

        if (IdentityBindings.Verify(open.PayerBinding, out var reason) is not { } bound)
        {
            return $"The payer's identity binding does not hold: {reason}.";
        }

        return terms switch
        {
            _ when bound.Peer.ToString() != open.PayerPeerId => "The identity binding is another peer's than the caller's.",
            _ when !bound.Address.Span.SequenceEqual(terms.Payer.Span) => "The payer's address is not the one of the identity binding.",
            _ when !terms.Payee.Equals(own.Payee) => "The payee's address is not this peer's wallet.",
            _ when !terms.Token.Equals(own.Token) || !terms.Escrow.Equals(own.Escrow) || terms.ChainId != own.ChainId => "Token, escrow and chain must be those of this peer's payment terms.",
            _ when terms.Domain != (uint)ChannelDomain.Native => "Between peers vouchers are of the native domain.",
            _ when terms.Currency != own.Currency => $"This peer is paid in {own.Currency}.",
            _ when terms.DepositMicro == 0 => "The deposit is zero.",
            _ when escrow is not null => null,
            _ when open.Funded => "The escrow holds no channel with this id; open it there first, and wait until its transaction is confirmed.",
            _ when terms.DepositMicro > own.MaxCreditMicro || terms.DepositMicro > Amount.MaxMicroUnits => $"The deposit is over this peer's credit limit of {own.MaxCreditMicro} micro-{own.Currency}.",
            _ => null,
        };
    }
}
