using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments;

/// <summary>What happened on the payer's side of a channel.</summary>
internal static class PayerChannelEvents
{
    /// <summary>The payee will be asked to open a channel on these terms.</summary>
    public sealed record Proposed(string PayeePeerId, ChannelTerms Terms);

    /// <summary>The payee has opened it.</summary>
    public sealed record Confirmed;

    /// <summary>The payee will not open it; nothing was signed.</summary>
    public sealed record Withdrawn;

    /// <summary>A voucher may leave from now on: the liability of this peer.</summary>
    public sealed record VoucherIssued(string RequestId, ulong PriceMicro, ulong CumulativeMicro);

    /// <summary>It is known what became of the voucher in flight.</summary>
    public sealed record Resolved(string RequestId, bool Accepted);
}

/// <summary>A request whose payment came to an end.</summary>
internal sealed record PayerRequest(ulong PriceMicro, ulong CumulativeMicro, bool Accepted);

/// <summary>What is to be done about a <see cref="PayerChannelCommands.Pay"/>.</summary>
internal abstract record PayDecision
{
    /// <summary>Journal the event, then hand the voucher out.</summary>
    public sealed record Issue(PayerChannelEvents.VoucherIssued Event) : PayDecision;

    /// <summary>Hand the same voucher out again.</summary>
    public sealed record Again(ulong PriceMicro, ulong CumulativeMicro) : PayDecision;

    /// <summary>Another voucher is in flight: wait for its end.</summary>
    public sealed record Wait : PayDecision;

    /// <summary>The channel must be opened first; the terms that were proposed before are proposed again.</summary>
    public sealed record Open(bool ProposeAnew) : PayDecision;

    /// <summary>No.</summary>
    public sealed record Refuse(Refusal Refusal) : PayDecision;
}

/// <summary>
/// The payer's side of one channel. One voucher is in flight at a time and signs what the payee has accepted plus the
/// price, so whatever a payee keeps, it never holds more than the highest voucher. Immutable and pure.
/// </summary>
internal sealed record PayerChannelState(string ChannelKey)
{
    public string? PayeePeerId { get; init; }

    public ChannelTerms? Terms { get; init; }

    public bool IsOpen { get; init; }

    public ulong SignedMicro { get; init; }

    public ulong AcceptedMicro { get; init; }

    public long Vouchers { get; init; }

    public PayerChannelEvents.VoucherIssued? InFlight { get; init; }

    public RecentRequests<PayerRequest> Requests { get; init; } = new();

    private Currency Currency => Terms is not null ? Currency.Parse(Terms.Currency) : CurrencyOf(ChannelKey);

    /// <summary>Terms to propose to a payee: its own, a fresh 32-byte salt, and a deposit within its credit limit.</summary>
    public static PayerChannelEvents.Proposed Propose(PayerChannelCommands.Pay pay, ReadOnlySpan<byte> payer, ReadOnlySpan<byte> salt, ulong depositMicro) =>
        new(pay.PayeePeerId, new ChannelTerms
        {
            Payer = ByteString.CopyFrom(payer),
            Payee = pay.Terms.Payee,
            Token = pay.Terms.Token,
            Salt = ByteString.CopyFrom(salt),
            AuthorizedSigner = ByteString.CopyFrom(new byte[Secp256k1.AddressSize]),
            Escrow = pay.Terms.Escrow,
            ChainId = pay.Terms.ChainId,
            DepositMicro = Math.Min(depositMicro, pay.Terms.MaxCreditMicro),
            Currency = pay.Terms.Currency,
        });

    public PayDecision Decide(PayerChannelCommands.Pay pay)
    {
        if (Check(pay) is { } refusal)
        {
            return new PayDecision.Refuse(refusal);
        }

        if (InFlight is { } flying && flying.RequestId == pay.RequestId)
        {
            return SamePrice(pay, flying.PriceMicro, flying.CumulativeMicro);
        }

        // A refused request never counted, so it may be paid for anew.
        if (Requests.TryGet(pay.RequestId, out var ended) && ended.Accepted)
        {
            return SamePrice(pay, ended.PriceMicro, ended.CumulativeMicro);
        }

        if (InFlight is not null)
        {
            return new PayDecision.Wait();
        }

        var sameTerms = Terms is not null && Terms.Payee.Equals(pay.Terms.Payee) && Terms.Token.Equals(pay.Terms.Token)
            && Terms.Escrow.Equals(pay.Terms.Escrow) && Terms.ChainId == pay.Terms.ChainId;
        if (!IsOpen)
        {
            return new PayDecision.Open(ProposeAnew: !sameTerms);
        }

        if (!sameTerms)
        {
            return Refuse(ErrorCodes.ChannelRefused, "The payee's terms (wallet, token, escrow or chain) are not those of the open channel. Discover the peer again; if it has changed them, it cannot be paid over this channel.");
        }

        return pay.Price.MicroUnits > Terms!.DepositMicro - AcceptedMicro
            ? Refuse(ErrorCodes.PaymentOverDeposit, $"The channel's deposit of {Micro(Terms.DepositMicro)} has {Micro(Terms.DepositMicro - AcceptedMicro)} left and the request costs {pay.Price}. Settle the debt with the payee, or use another provider.")
            : new PayDecision.Issue(new PayerChannelEvents.VoucherIssued(pay.RequestId, pay.Price.MicroUnits, AcceptedMicro + pay.Price.MicroUnits));
    }

    /// <summary>What became of a request as far as this side knows; null when only the payee can tell.</summary>
    public PaymentSettled? OutcomeOf(string requestId)
    {
        if (InFlight?.RequestId == requestId)
        {
            return null;
        }

        return Requests.TryGet(requestId, out var ended)
            ? Outcome(requestId, ended.Accepted, ended.PriceMicro)
            : Requests.Forgot ? null : Outcome(requestId, accepted: false, 0);
    }

    /// <summary>The event that ends the voucher in flight, if it is this request's.</summary>
    public PayerChannelEvents.Resolved? Resolve(string requestId, bool accepted) =>
        InFlight?.RequestId == requestId ? new PayerChannelEvents.Resolved(requestId, accepted) : null;

    public PayerChannelState Apply(object happened) => happened switch
    {
        PayerChannelEvents.Proposed e => this with { PayeePeerId = e.PayeePeerId, Terms = e.Terms, IsOpen = false },
        PayerChannelEvents.Confirmed => this with { IsOpen = true },
        PayerChannelEvents.Withdrawn => this with { PayeePeerId = null, Terms = null, IsOpen = false },
        PayerChannelEvents.VoucherIssued e => this with { InFlight = e, SignedMicro = Math.Max(SignedMicro, e.CumulativeMicro), Vouchers = Vouchers + 1 },
        PayerChannelEvents.Resolved e when InFlight?.RequestId == e.RequestId => this with
        {
            InFlight = null,
            AcceptedMicro = e.Accepted ? InFlight.CumulativeMicro : AcceptedMicro,
            Requests = Requests.With(e.RequestId, new PayerRequest(InFlight.PriceMicro, InFlight.CumulativeMicro, e.Accepted)),
        },
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to a payer's channel now.", nameof(happened)),
    };

    public PayerChannelView View() => new(
        ChannelKey, Terms is null ? null : ChannelIds.ToText(ChannelIds.Of(Terms)), PayeePeerId,
        Micro(Terms?.DepositMicro ?? 0), Micro(SignedMicro), Micro(AcceptedMicro), InFlight is not null, Vouchers);

    private PaymentSettled Outcome(string requestId, bool accepted, ulong priceMicro) =>
        new(ChannelKey, requestId, accepted ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(accepted ? priceMicro : 0));

    private static Currency CurrencyOf(string channelKey) =>
        Currency.TryParse(channelKey[(channelKey.LastIndexOf(':') + 1)..], out var currency) ? currency.Value : Currency.Usdc;

    private static PayDecision SamePrice(PayerChannelCommands.Pay pay, ulong priceMicro, ulong cumulativeMicro) => pay.Price.MicroUnits == priceMicro
        ? new PayDecision.Again(priceMicro, cumulativeMicro)
        : Refuse(ErrorCodes.Conflict, $"The request {pay.RequestId} has a voucher over another price. Use a new request id for another payment.");

    private Refusal? Check(PayerChannelCommands.Pay pay)
    {
        if (pay.RequestId.Length is 0 or > ChannelLimits.MaxRequestId)
        {
            return new Refusal(ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.");
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

        if (pay.Terms.Payee.Length != Secp256k1.AddressSize || pay.Terms.Token.Length != Secp256k1.AddressSize || pay.Terms.Escrow.Length != Secp256k1.AddressSize)
        {
            return new Refusal(ErrorCodes.ChannelRefused, "The payee's terms are damaged: an address has 20 bytes. Discover the peer again.");
        }

        // Once the channel is open, its payee is fixed and was proven.
        if (IsOpen)
        {
            return null;
        }

        return IdentityBindings.Verify(pay.PayeeBinding, out var reason) is { } bound
            && bound.Peer.ToString() == pay.PayeePeerId
            && bound.Address.Span.SequenceEqual(pay.Terms.Payee.Span)
            ? null
            : new Refusal(ErrorCodes.ChannelRefused, $"The wallet in the terms is not proven to be the payee's{(reason.Length > 0 ? ": " + reason : "")}. Nothing was signed; discover the peer again.");
    }

    private static PayDecision.Refuse Refuse(string code, string message) => new(new Refusal(code, message));

    private Amount Micro(ulong micro) => new(micro, Currency);
}
