using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Vouchers and what they pay for.</content>
internal sealed partial record PayeeChannelState
{
    public PayeeDecision Decide(PayeeChannelCommands.Accept accept)
    {
        if (Terms is null || accept.PayerPeerId != PayerPeerId)
        {
            return StrangerRefused();
        }

        if ((Objection(accept.RequestId, accept.Price, accept.Memo) ?? Objection(accept.Voucher, accept.RequestId)) is { } objection)
        {
            return objection;
        }

        var cumulative = accept.Voucher.CumulativeMicro;
        if (Requests.TryGet(accept.RequestId, out var before))
        {
            // What was paid at one price is no entry to a dearer call.
            return !before.IsVoided && before.CumulativeMicro == cumulative && accept.Price.MicroUnits <= before.PriceMicro
                ? new PayeeDecision(null, Accepted(accept.RequestId, repeated: true, before.IsDelivered) with { IsFromBefore = !before.IsRecent })
                : RefuseVoucher(accept.RequestId, ErrorCodes.Conflict, before.IsVoided
                    ? "The payer was told that this request is not paid; call again with a new request id."
                    : "This request was paid with another voucher or at a lower price; call again with a new request id.");
        }

        if (Ended(accept.RequestId) is { } ended)
        {
            return ended;
        }

        if (cumulative > DepositMicro)
        {
            return OverDeposit(accept.RequestId, cumulative);
        }

        // All are at most 2^53, so no sum wraps.
        var (balance, required) = (Math.Max(AcceptedMicro, cumulative) - SpentMicro, SpentMicro + accept.Price.MicroUnits);
        if (balance < accept.Price.MicroUnits || (accept.Price.IsZero && cumulative <= AcceptedMicro))
        {
            return cumulative <= AcceptedMicro
                ? RefuseVoucher(accept.RequestId, ErrorCodes.PaymentStaleVoucher, $"The voucher's {Micro(cumulative)} is not above the {Micro(AcceptedMicro)} accepted already. Sign at least {Micro(required)}.", required)
                : RefuseVoucher(accept.RequestId, ErrorCodes.PaymentInsufficient, $"The request costs {accept.Price}, and {Micro(balance)} would be left of the voucher. Sign at least {Micro(required)}.", required);
        }

        var taken = new PayeeChannelEvents.VoucherTaken(accept.RequestId, accept.Price.MicroUnits, cumulative, cumulative > AcceptedMicro ? accept.Voucher.Signature : ByteString.Empty, accept.Memo);
        return new PayeeDecision(taken, Apply(taken).Accepted(accept.RequestId, repeated: false, wasDelivered: false));
    }

    public PayeeDecision Decide(PayeeChannelCommands.Take take)
    {
        if (Terms is null || take.PayerId != PayerPeerId)
        {
            return StrangerRefused();
        }

        if ((Objection(take.Voucher, requestId: null) ?? Ended(null)) is { } refused)
        {
            return refused;
        }

        if (take.Voucher.CumulativeMicro <= AcceptedMicro)
        {
            return new PayeeDecision(null, Accepted("", repeated: true, wasDelivered: false));
        }

        if (take.Voucher.CumulativeMicro > DepositMicro)
        {
            return OverDeposit(null, take.Voucher.CumulativeMicro);
        }

        var taken = new PayeeChannelEvents.VoucherTaken("", 0, take.Voucher.CumulativeMicro, take.Voucher.Signature);
        return new PayeeDecision(taken, Apply(taken).Accepted("", repeated: false, wasDelivered: false));
    }

    public PayeeDecision Decide(PayeeChannelCommands.Spend spend)
    {
        if (Terms is null || spend.PayerId != PayerPeerId)
        {
            return StrangerRefused();
        }

        if (Objection(spend.RequestId, spend.Amount, spend.Memo) is { } objection)
        {
            return objection;
        }

        if (Requests.TryGet(spend.RequestId, out var before))
        {
            return !before.IsVoided && spend.Amount.MicroUnits == before.PriceMicro
                ? new PayeeDecision(null, Accepted(spend.RequestId, repeated: true, before.IsDelivered))
                : RefuseVoucher(spend.RequestId, ErrorCodes.Conflict, "This request was paid over another amount, or called unpaid; use a new request id.");
        }

        if (Ended(spend.RequestId) is { } ended)
        {
            return ended;
        }

        if (spend.Amount.IsZero)
        {
            return RefuseVoucher(spend.RequestId, ErrorCodes.InvalidAmount, "There is nothing to spend for a price of zero.");
        }

        if (AcceptedMicro - SpentMicro < spend.Amount.MicroUnits)
        {
            var required = SpentMicro + spend.Amount.MicroUnits;
            return RefuseVoucher(spend.RequestId, ErrorCodes.PaymentInsufficient, $"The request costs {spend.Amount}, and {Micro(AcceptedMicro - SpentMicro)} is left of the vouchers. Send one over at least {Micro(required)}.", required);
        }

        var spent = new PayeeChannelEvents.Spent(spend.RequestId, spend.Amount.MicroUnits, spend.Memo);
        return new PayeeDecision(spent, Apply(spent).Accepted(spend.RequestId, repeated: false, wasDelivered: false));
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

    private PayeeDecision? Objection(string requestId, Amount price, string? memo) => requestId.Length is 0 or > ChannelLimits.MaxRequestId
        ? RefuseVoucher(requestId, ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.")
        : memo?.Length > ChannelLimits.MaxMemo
            ? RefuseVoucher(requestId, ErrorCodes.InvalidParams, $"A memo has at most {ChannelLimits.MaxMemo} characters.")
            : price.Currency != Currency
                ? RefuseVoucher(requestId, ErrorCodes.ChannelRefused, $"The price is in {price.Currency} and the channel in {Currency}; open a channel in {price.Currency}.")
                : null;

    private PayeeDecision? Objection(Voucher voucher, string? requestId) => _isSigned!.Value(voucher)
        ? null
        : RefuseVoucher(requestId, ErrorCodes.PaymentBadSignature, "The voucher is not signed by the channel's payer. Sign EIP-712 Voucher(bytes32 channelId,uint128 cumulativeAmount) of this channel with its key; low s, v 27 or 28.");

    /// <summary>A channel that is closing, closed, or asked on chain to be closed takes nothing more.</summary>
    private PayeeDecision? Ended(string? requestId) => Phase != ChannelPhase.Open
        ? RefuseVoucher(requestId, ErrorCodes.ChannelNotFound, "The channel is closed; open another one.")
        : CloseRequestedAt > 0
            ? RefuseVoucher(requestId, ErrorCodes.ChannelNotFound, "The payer has asked the escrow to close the channel, so no voucher counts any more; open another one.")
            : null;

    private PayeeDecision OverDeposit(string? requestId, ulong cumulativeMicro) =>
        RefuseVoucher(requestId, ErrorCodes.PaymentOverDeposit, $"The voucher's {Micro(cumulativeMicro)} is over the channel's deposit of {Micro(DepositMicro)}; top it up first.");

    private VoucherAccepted Accepted(string requestId, bool repeated, bool wasDelivered) =>
        new(ChannelId, requestId, Micro(AcceptedMicro), Micro(SpentMicro), repeated, wasDelivered);
}
