using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What happened on the payee's side of a channel.</summary>
internal static class PayeeChannelEvents
{
    /// <summary>The channel is open.</summary>
    public sealed record Opened(string PayerPeerId, ChannelTerms Terms);

    /// <summary>A voucher counts, and its request may be served.</summary>
    public sealed record VoucherTaken(string RequestId, ulong PriceMicro, ulong CumulativeMicro, ByteString Signature);

    /// <summary>The request was served.</summary>
    public sealed record Delivered(string RequestId);

    /// <summary>The payer was told that the request is not paid; it stays so.</summary>
    public sealed record Voided(string RequestId);
}

/// <summary>A request that was paid, or voided (then nothing was paid and nothing will be).</summary>
internal sealed record PayeeRequest(ulong PriceMicro, ulong CumulativeMicro, bool IsDelivered)
{
    public static PayeeRequest Voided { get; } = new(0, 0, false);

    /// <summary>A voucher's cumulative amount is above what was accepted before, hence never zero.</summary>
    public bool IsVoided => CumulativeMicro == 0;
}

/// <summary>What follows from a command: the event to journal first, if any, and the reply.</summary>
internal readonly record struct PayeeDecision(object? Event, object Reply);

/// <summary>
/// The payee's side of one channel: <c>accepted</c> is the highest voucher, <c>spent</c> what of it was used for requests.
/// A voucher counts once and only upward; a refused one changes nothing. Immutable and pure.
/// </summary>
internal sealed record PayeeChannelState(string ChannelId)
{
    public string PayerPeerId { get; init; } = "";

    /// <summary>Null until the channel is open.</summary>
    public ChannelTerms? Terms { get; init; }

    public ulong AcceptedMicro { get; init; }

    public ulong SpentMicro { get; init; }

    public long Vouchers { get; init; }

    /// <summary>The signature of the highest voucher: with it the payee can claim.</summary>
    public ByteString HighestSignature { get; init; } = ByteString.Empty;

    public int VoidedSinceVoucher { get; init; }

    public RecentRequests<PayeeRequest> Requests { get; init; } = new();

    private Currency Currency => Terms is null ? Currency.Usdc : Currency.Parse(Terms.Currency);

    public PayeeDecision Decide(PayeeChannelCommands.Open open, PaymentTerms own)
    {
        if (Terms is not null)
        {
            return Terms.Equals(open.Terms) && PayerPeerId == open.PayerPeerId
                ? new PayeeDecision(null, View())
                : Refuse(ErrorCodes.ChannelRefused, "A channel with this id is open on other terms; open another one with a fresh salt.");
        }

        if (Objection(open, own) is { } objection)
        {
            return Refuse(ErrorCodes.ChannelRefused, objection);
        }

        var opened = new PayeeChannelEvents.Opened(open.PayerPeerId, open.Terms.Clone());
        return new PayeeDecision(opened, Apply(opened).View());
    }

    public PayeeDecision Decide(PayeeChannelCommands.Accept accept)
    {
        if (Terms is null || accept.PayerPeerId != PayerPeerId)
        {
            return new PayeeDecision(null, new VoucherRefused(ChannelId, ErrorCodes.ChannelNotFound, "No channel with this id was opened by this peer; open one with channel.open.", null));
        }

        if (accept.RequestId.Length is 0 or > ChannelLimits.MaxRequestId)
        {
            return Refuse(accept, ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.");
        }

        if (accept.Price.Currency != Currency)
        {
            return Refuse(accept, ErrorCodes.ChannelRefused, $"The price is in {accept.Price.Currency} and the channel in {Currency}; open a channel in {accept.Price.Currency}.");
        }

        if (!VoucherVerifier.IsSigned(Terms, accept.Voucher))
        {
            return Refuse(accept, ErrorCodes.PaymentBadSignature, "The voucher is not signed by the channel's payer. Sign EIP-712 Voucher(bytes32 channelId,uint128 cumulativeAmount) of this channel with its key; low s, v 27 or 28.");
        }

        var cumulative = accept.Voucher.CumulativeMicro;
        if (Requests.TryGet(accept.RequestId, out var before))
        {
            // What was paid at one price is no entry to a dearer call.
            return !before.IsVoided && before.CumulativeMicro == cumulative && accept.Price.MicroUnits <= before.PriceMicro
                ? new PayeeDecision(null, Accepted(accept.RequestId, repeated: true, before.IsDelivered))
                : Refuse(accept, ErrorCodes.Conflict, before.IsVoided
                    ? "The payer was told that this request is not paid; call again with a new request id."
                    : "This request was paid with another voucher or at a lower price; call again with a new request id.");
        }

        if (cumulative <= AcceptedMicro)
        {
            return Refuse(accept, ErrorCodes.PaymentStaleVoucher, $"The voucher's {Micro(cumulative)} is not above the {Micro(AcceptedMicro)} accepted already. Sign a higher cumulative amount.");
        }

        if (cumulative > Terms.DepositMicro)
        {
            return Refuse(accept, ErrorCodes.PaymentOverDeposit, $"The voucher's {Micro(cumulative)} is over the channel's deposit of {Micro(Terms.DepositMicro)}.");
        }

        // Both are at most the deposit's limit of 2^53, so the sum cannot wrap.
        if (cumulative < SpentMicro + accept.Price.MicroUnits)
        {
            return Refuse(accept, ErrorCodes.PaymentInsufficient, $"The request costs {accept.Price}, and {Micro(cumulative - SpentMicro)} would be left of the voucher. Sign at least {Micro(SpentMicro + accept.Price.MicroUnits)}.");
        }

        var taken = new PayeeChannelEvents.VoucherTaken(accept.RequestId, accept.Price.MicroUnits, cumulative, accept.Voucher.Signature);
        return new PayeeDecision(taken, Apply(taken).Accepted(accept.RequestId, repeated: false, wasDelivered: false));
    }

    public PayeeDecision Decide(PayeeChannelCommands.Delivered delivered)
    {
        if (Terms is null)
        {
            return NotFound();
        }

        if (!Requests.TryGet(delivered.RequestId, out var request) || request.IsVoided || request.IsDelivered)
        {
            return new PayeeDecision(null, View(delivered.RequestId));
        }

        var happened = new PayeeChannelEvents.Delivered(delivered.RequestId);
        return new PayeeDecision(happened, Apply(happened).View(delivered.RequestId));
    }

    public PayeeDecision Decide(PayeeChannelCommands.Resolve resolve)
    {
        if (Terms is null || resolve.PayerPeerId != PayerPeerId)
        {
            return NotFound();
        }

        if (Requests.TryGet(resolve.RequestId, out _))
        {
            return new PayeeDecision(null, View(resolve.RequestId));
        }

        if (resolve.RequestId.Length is 0 or > ChannelLimits.MaxRequestId)
        {
            return Refuse(ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.");
        }

        if (VoidedSinceVoucher >= ChannelLimits.MaxVoidedPerVoucher)
        {
            return Refuse(ErrorCodes.RateLimited, $"{VoidedSinceVoucher} unpaid requests were asked for since the last voucher; pay for one first.");
        }

        var voided = new PayeeChannelEvents.Voided(resolve.RequestId);
        return new PayeeDecision(voided, Apply(voided).View(resolve.RequestId));
    }

    public PayeeDecision Decide(PayeeChannelCommands.Get get) => Terms is null ? NotFound() : new PayeeDecision(null, View(get.RequestId));

    public PayeeChannelState Apply(object happened) => happened switch
    {
        PayeeChannelEvents.Opened e => this with { PayerPeerId = e.PayerPeerId, Terms = e.Terms },
        PayeeChannelEvents.VoucherTaken e => this with
        {
            AcceptedMicro = e.CumulativeMicro,
            SpentMicro = SpentMicro + e.PriceMicro,
            Vouchers = Vouchers + 1,
            HighestSignature = e.Signature,
            VoidedSinceVoucher = 0,
            Requests = Requests.With(e.RequestId, new PayeeRequest(e.PriceMicro, e.CumulativeMicro, IsDelivered: false)),
        },
        PayeeChannelEvents.Delivered e when Requests.TryGet(e.RequestId, out var request) => this with { Requests = Requests.With(e.RequestId, request with { IsDelivered = true }) },
        PayeeChannelEvents.Voided e => this with { VoidedSinceVoucher = VoidedSinceVoucher + 1, Requests = Requests.With(e.RequestId, PayeeRequest.Voided) },
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to a payee's channel now.", nameof(happened)),
    };

    public PayeeChannelView View(string? requestId = null)
    {
        var paid = requestId is not null && Requests.TryGet(requestId, out var request) && !request.IsVoided ? request : null;
        return new PayeeChannelView(
            ChannelId, PayerPeerId, Terms is not null, Micro(Terms?.DepositMicro ?? 0), Micro(AcceptedMicro), Micro(SpentMicro), Vouchers, paid is not null, Micro(paid?.PriceMicro ?? 0));
    }

    private string? Objection(PayeeChannelCommands.Open open, PaymentTerms own)
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
            _ when terms.Currency != own.Currency => $"This peer is paid in {own.Currency}.",
            _ when terms.DepositMicro == 0 => "The deposit is zero.",
            _ when terms.DepositMicro > own.MaxCreditMicro || terms.DepositMicro > Amount.MaxMicroUnits => $"The deposit is over this peer's credit limit of {own.MaxCreditMicro} micro-{own.Currency}.",
            _ => null,
        };
    }

    private VoucherAccepted Accepted(string requestId, bool repeated, bool wasDelivered) =>
        new(ChannelId, requestId, Micro(AcceptedMicro), Micro(SpentMicro), repeated, wasDelivered);

    private static PayeeDecision Refuse(string code, string message) => new(null, new Refusal(code, message));

    private PayeeDecision Refuse(PayeeChannelCommands.Accept accept, string code, string message) => new(null, new VoucherRefused(ChannelId, code, message, View(accept.RequestId)));

    private static PayeeDecision NotFound() => Refuse(ErrorCodes.ChannelNotFound, "This peer knows no open channel with this id; open one with channel.open.");

    private Amount Micro(ulong micro) => new(micro, Currency);
}
