using Google.Protobuf;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What happened on the payee's side of a channel. Amounts are micro-units.</summary>
internal static class PayeeChannelEvents
{
    /// <summary>The channel is open.</summary>
    /// <param name="PayerPeerId">Who pays: a peer id, or <c>eip155:{chainId}:{0x…}</c>.</param>
    /// <param name="Terms">Its terms; without a salt when it was opened by what the chain has.</param>
    /// <param name="OnChain">The escrow holds the deposit; otherwise it is on trust.</param>
    /// <param name="DepositMicro">What the escrow holds, when on chain; 0: what the terms say.</param>
    /// <param name="SettledMicro">What of it was settled before this peer knew the channel.</param>
    public sealed record Opened(string PayerPeerId, ChannelTerms Terms, bool OnChain = false, ulong DepositMicro = 0, ulong SettledMicro = 0);

    /// <summary>A voucher counts, and its request may be served.</summary>
    /// <param name="RequestId">The request; empty when the voucher is for none yet.</param>
    /// <param name="PriceMicro">What it spends.</param>
    /// <param name="CumulativeMicro">What the voucher signs; may be less than what was accepted before, when the balance covers the price.</param>
    /// <param name="Signature">The voucher's; empty when it is not the highest.</param>
    /// <param name="Memo">What the payer says it is for.</param>
    public sealed record VoucherTaken(string RequestId, ulong PriceMicro, ulong CumulativeMicro, ByteString Signature, string? Memo = null);

    /// <summary>A part of the balance went to a request, which may be served.</summary>
    public sealed record Spent(string RequestId, ulong AmountMicro, string? Memo = null);

    /// <summary>A part of the balance went to a stream, which may go on.</summary>
    /// <param name="StreamId">The stream's request id.</param>
    /// <param name="AmountMicro">What was spent now.</param>
    /// <param name="TotalMicro">What the stream has cost so far.</param>
    public sealed record Metered(string StreamId, ulong AmountMicro, ulong TotalMicro);

    /// <summary>The request was served.</summary>
    public sealed record Delivered(string RequestId);

    /// <summary>The payer was told that the request is not paid; it stays so.</summary>
    public sealed record Voided(string RequestId);

    /// <summary>The deposit on trust was raised to this.</summary>
    public sealed record ToppedUp(ulong DepositMicro);

    /// <summary>What the escrow has of the channel now: its deposit, what was settled of it, and when the payer asked to close (unix seconds; 0: it did not).</summary>
    public sealed record SeenOnChain(ulong DepositMicro, ulong SettledMicro, ulong CloseRequestedAt);

    /// <summary>No voucher counts from now on; the payee is to get this much.</summary>
    /// <param name="FinalMicro">What the final voucher signs.</param>
    /// <param name="Signature">Its signature; empty: there is nothing to claim.</param>
    public sealed record ClosingBegun(ulong FinalMicro, ByteString Signature);

    /// <summary>The escrow would not carry the closing out; it is tried again when asked to.</summary>
    public sealed record ClosingFailed(string Reason);

    /// <summary>Settled for good, and the remainder refunded.</summary>
    public sealed record Closed(ulong SettledMicro, ulong RefundedMicro);
}

/// <summary>A request that was paid, or voided (then nothing was paid and nothing will be).</summary>
/// <param name="PriceMicro">What it cost.</param>
/// <param name="CumulativeMicro">What was accepted with it.</param>
/// <param name="IsDelivered">It was served.</param>
/// <param name="IsRecent">It was paid since the journal was last read, so that whoever serves it is still at it.</param>
internal sealed record PayeeRequest(ulong PriceMicro, ulong CumulativeMicro, bool IsDelivered, bool IsRecent = false)
{
    public static PayeeRequest Voided { get; } = new(0, 0, false);

    /// <summary>What was accepted when a request was paid is never zero.</summary>
    public bool IsVoided => CumulativeMicro == 0;
}

/// <summary>What follows from a command: the event to journal first, if any, and the reply.</summary>
internal readonly record struct PayeeDecision(object? Event, object Reply);

/// <summary>Makes the check of a channel's vouchers from its id and terms.</summary>
internal delegate Func<Voucher, bool> VoucherChecks(ReadOnlyMemory<byte> channelId, ChannelTerms terms);
