using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>What is signed for whom, and what became of it.</content>
internal sealed partial record PayerChannelState
{
    /// <summary>
    /// Terms to propose to a payee: its own, a fresh 32-byte salt, and a deposit of <paramref name="depositMicro"/>, or the price
    /// when that is more, within what is left of its credit limit.
    /// </summary>
    public PayerChannelEvents.Proposed Propose(PayerChannelCommands.Pay pay, ReadOnlySpan<byte> payer, ReadOnlySpan<byte> salt, ulong depositMicro) =>
        Propose(pay.PayeePeerId, pay.Terms, payer, salt, Math.Min(Math.Max(depositMicro, pay.Price.MicroUnits), CreditLeftMicro(pay.Terms)), funded: false);

    public PayDecision Decide(PayerChannelCommands.Pay pay)
    {
        if (Check(pay) is { } refusal)
        {
            return new PayDecision.Refuse(refusal);
        }

        if (Flying.TryGetValue(pay.RequestId, out var flying))
        {
            return SamePrice(pay, flying.PriceMicro, flying.CumulativeMicro);
        }

        // A refused request never counted, so it may be paid for anew.
        if (Requests.TryGet(pay.RequestId, out var ended) && ended.Accepted)
        {
            return ended.Channel != Used.Count
                ? Refuse(ErrorCodes.Conflict, $"The request {pay.RequestId} was paid over an earlier channel. Use a new request id for another payment.")
                : SamePrice(pay, ended.PriceMicro, ended.CumulativeMicro);
        }

        if (Contradictions > MaxContradictions)
        {
            return Refuse(ErrorCodes.ChannelRefused, "This payee has more than once called a voucher refused and kept it, so nothing more is signed for it. Use another provider.");
        }

        if (IsClosing)
        {
            return Refuse(ErrorCodes.ChannelNotFound, "The channel is being closed; try again when it is, and another one will be opened.");
        }

        if (Flying.Count >= VouchersAtOnce)
        {
            return new PayDecision.Wait();
        }

        var sameTerms = Terms is not null && Terms.Payee.Equals(pay.Terms.Payee) && Terms.Token.Equals(pay.Terms.Token)
            && Terms.Escrow.Equals(pay.Terms.Escrow) && Terms.ChainId == pay.Terms.ChainId;
        if (!IsOpen)
        {
            return pay.Price.MicroUnits > CreditLeftMicro(pay.Terms)
                ? OverCredit(pay)
                : new PayDecision.Open(ProposeAnew: !sameTerms || pay.Price.MicroUnits > DepositMicro);
        }

        if (!sameTerms)
        {
            return Refuse(ErrorCodes.ChannelRefused, "The payee's terms (wallet, token, escrow or chain) are not those of the open channel. Discover the peer again; if it has changed them, close this channel, and the next payment opens one on its new terms.");
        }

        var promised = AcceptedMicro + FlyingMicro;
        if (promised <= DepositMicro && pay.Price.MicroUnits <= DepositMicro - promised)
        {
            return new PayDecision.Issue(new PayerChannelEvents.VoucherIssued(pay.RequestId, pay.Price.MicroUnits, promised + pay.Price.MicroUnits, pay.SessionId, pay.Memo));
        }

        if (!Flying.IsEmpty)
        {
            return new PayDecision.Wait();
        }

        return pay.Price.MicroUnits > CreditLeftMicro(pay.Terms) ? OverCredit(pay) : new PayDecision.Open(ProposeAnew: true);
    }

    /// <summary>What became of a request as far as this side knows; null when only the payee can tell.</summary>
    public PaymentSettled? OutcomeOf(string requestId)
    {
        if (Flying.ContainsKey(requestId))
        {
            return null;
        }

        return Requests.TryGet(requestId, out var ended)
            ? Outcome(requestId, ended.Accepted, ended.PriceMicro - ended.LessMicro)
            : Requests.Forgot ? null : Outcome(requestId, accepted: false, 0);
    }

    /// <summary>The event that ends the request's voucher in flight, if it is.</summary>
    public PayerChannelEvents.Resolved? Resolve(string requestId, bool accepted) =>
        Flying.ContainsKey(requestId) ? new PayerChannelEvents.Resolved(requestId, accepted) : null;

    /// <summary>
    /// As above, by the payee's standing. What a payee says it has spent, within what was signed and beyond all that is paid or
    /// in flight, counts as paid, whatever it says of the request, so that sessions never have spent less than is owed.
    /// </summary>
    public PayerChannelEvents.Resolved? Resolve(string requestId, ChannelStanding standing)
    {
        if (!Flying.TryGetValue(requestId, out var flying))
        {
            return null;
        }

        var others = FlyingMicro - flying.PriceMicro;
        var spent = standing.Known && standing.SpentMicro <= SignedMicro ? standing.SpentMicro : 0;
        var held = spent > others ? spent - others : 0;
        var called = standing.Known && standing.RequestPaid;
        var cost = called && standing.RequestMicro > 0 ? Math.Min(standing.RequestMicro, flying.PriceMicro) : flying.PriceMicro;
        var accepted = called || held >= AcceptedMicro + flying.PriceMicro;
        return new PayerChannelEvents.Resolved(requestId, accepted, held > AcceptedMicro + (accepted ? cost : 0) ? held : 0, cost < flying.PriceMicro ? cost : 0);
    }

    /// <summary>The event that lets a stream in flight cost more, or why it may not.</summary>
    public (PayerChannelEvents.VoucherRaised? Event, Refusal? Refusal) Decide(MeteringCommands.Raise raise)
    {
        if (Terms is null || !Flying.ContainsKey(raise.RequestId))
        {
            return (null, new Refusal(ErrorCodes.Conflict, $"No payment for {raise.RequestId} is in flight; begin the stream first."));
        }

        if (raise.By.Currency != Currency || raise.By.IsZero)
        {
            return (null, new Refusal(ErrorCodes.InvalidAmount, $"A stream's payment is raised by an amount of {Currency} above zero."));
        }

        if (IsClosing || Contradictions > MaxContradictions)
        {
            return (null, new Refusal(ErrorCodes.ChannelRefused, "Nothing more is signed over this channel: it is being closed, or its payee has contradicted itself."));
        }

        var promised = AcceptedMicro + FlyingMicro;
        return promised > DepositMicro || raise.By.MicroUnits > DepositMicro - promised
            ? (null, new Refusal(ErrorCodes.PaymentOverDeposit, $"The stream needs {raise.By} more, and the channel has {Micro(DepositMicro - Math.Min(promised, DepositMicro))} left. Top the channel up before a stream that long."))
            : (new PayerChannelEvents.VoucherRaised(raise.RequestId, raise.By.MicroUnits, promised + raise.By.MicroUnits), null);
    }

    /// <summary>The event that ends a stream in flight that has cost so much.</summary>
    public PayerChannelEvents.Resolved? Resolve(MeteringCommands.SettleStream settle) =>
        Flying.TryGetValue(settle.RequestId, out var flying) ? new PayerChannelEvents.Resolved(settle.RequestId, !settle.Cost.IsZero, 0, settle.Cost.MicroUnits < flying.PriceMicro ? settle.Cost.MicroUnits : 0) : null;

    /// <summary>Credit of the payee that no channel has taken; deposits on trust count, used or not, and of closed channels what was settled.</summary>
    private ulong CreditLeftMicro(PaymentTerms terms)
    {
        var taken = Used.Aggregate(IsOpen && !Funded ? DepositMicro : 0, (sum, used) => sum + used.CreditMicro);
        return terms.MaxCreditMicro - Math.Min(taken, terms.MaxCreditMicro);
    }

    private static PayerChannelEvents.Proposed Propose(string payeePeerId, PaymentTerms terms, ReadOnlySpan<byte> payer, ReadOnlySpan<byte> salt, ulong depositMicro, bool funded) => new(
        payeePeerId,
        new ChannelTerms
        {
            Payer = ByteString.CopyFrom(payer),
            Payee = terms.Payee,
            Token = terms.Token,
            Salt = ByteString.CopyFrom(salt),
            AuthorizedSigner = ByteString.CopyFrom(new byte[Secp256k1.AddressSize]),
            Escrow = terms.Escrow,
            ChainId = terms.ChainId,
            DepositMicro = depositMicro,
            Currency = terms.Currency,
        },
        funded);

    private PayDecision.Refuse OverCredit(PayerChannelCommands.Pay pay)
    {
        var left = IsOpen && DepositMicro > AcceptedMicro ? DepositMicro - AcceptedMicro : 0;
        return Refuse(
            ErrorCodes.PaymentOverDeposit,
            $"The request costs {pay.Price}; the open channel has {Micro(left)} left, and the payee gives this peer {Micro(CreditLeftMicro(pay.Terms))} more credit of {Micro(pay.Terms.MaxCreditMicro)} in all. "
            + "Top the channel up, ask the payee to start its peer with a larger --max-credit and discover it again, or use another provider.");
    }

    private PaymentSettled Outcome(string requestId, bool accepted, ulong priceMicro) =>
        new(ChannelKey, requestId, accepted ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(accepted ? priceMicro : 0));

    private static PayDecision SamePrice(PayerChannelCommands.Pay pay, ulong priceMicro, ulong cumulativeMicro) => pay.Price.MicroUnits == priceMicro
        ? new PayDecision.Again(priceMicro, cumulativeMicro)
        : Refuse(ErrorCodes.Conflict, $"The request {pay.RequestId} has a voucher over another price. Use a new request id for another payment.");

    private Refusal? Check(PayerChannelCommands.Pay pay)
    {
        if (pay.RequestId.Length is 0 or > ChannelLimits.MaxRequestId)
        {
            return new Refusal(ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.");
        }

        if (pay.Memo?.Length > ChannelLimits.MaxMemo)
        {
            return new Refusal(ErrorCodes.InvalidParams, $"A memo has at most {ChannelLimits.MaxMemo} characters.");
        }

        if (pay.Price.IsZero)
        {
            return new Refusal(ErrorCodes.InvalidAmount, "There is nothing to pay for a price of zero; call without a voucher.");
        }

        if (pay.ChannelKey != ChannelKey || ChannelKey != $"{pay.PayeePeerId}:{pay.Price.Currency}")
        {
            return new Refusal(ErrorCodes.InvalidParams, "The channel's key is {payeePeerId}:{currency} of the price.");
        }

        if (pay.Terms.Currency != pay.Price.Currency.Code)
        {
            return new Refusal(ErrorCodes.ChannelRefused, $"The payee takes {pay.Terms.Currency}, not {pay.Price.Currency}.");
        }

        // Once the channel is open, its payee is fixed and was proven.
        return CheckTerms(pay.Terms) ?? (IsOpen ? null : CheckBinding(pay.PayeePeerId, pay.Terms, pay.PayeeBinding));
    }

    private static Refusal? CheckTerms(PaymentTerms terms) =>
        terms.Payee.Length != Secp256k1.AddressSize || terms.Token.Length != Secp256k1.AddressSize || terms.Escrow.Length != Secp256k1.AddressSize
            ? new Refusal(ErrorCodes.ChannelRefused, "The payee's terms are damaged: an address has 20 bytes. Discover the peer again.")
            : null;

    private static Refusal? CheckBinding(string payeePeerId, PaymentTerms terms, IdentityBinding binding) =>
        IdentityBindings.Verify(binding, out var reason) is { } bound
        && bound.Peer.ToString() == payeePeerId
        && bound.Address.Span.SequenceEqual(terms.Payee.Span)
            ? null
            : new Refusal(ErrorCodes.ChannelRefused, $"The wallet in the terms is not proven to be the payee's{(reason.Length > 0 ? ": " + reason : "")}. Nothing was signed; discover the peer again.");

    private static PayDecision.Refuse Refuse(string code, string message) => new(new Refusal(code, message));
}
