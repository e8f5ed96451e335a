using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>Commands of a channel for what is paid while it is delivered: the payer's side first.</summary>
public static class MeteringCommands
{
    /// <summary>
    /// Lets a payment that is in flight cost <paramref name="By"/> more: signs a voucher that adds it, journalled before the
    /// reply. Answered with <see cref="VoucherSigned"/>, whose price is what the payment may cost in all, or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="ChannelKey">The payer channel.</param>
    /// <param name="RequestId">The stream that <see cref="PayerChannelCommands.Pay"/> has begun.</param>
    /// <param name="By">How much more.</param>
    public sealed record Raise(string ChannelKey, string RequestId, Amount By) : IPayerChannelMessage;

    /// <summary>
    /// A stream has ended and has cost this much of what it was allowed to; the rest is balance for the next payments.
    /// Answered with <see cref="PaymentSettled"/>.
    /// </summary>
    /// <param name="ChannelKey">The payer channel.</param>
    /// <param name="RequestId">The stream.</param>
    /// <param name="Cost">What the payee has charged for it; at most what it was allowed to cost.</param>
    public sealed record SettleStream(string ChannelKey, string RequestId, Amount Cost) : IPayerChannelMessage;

    /// <summary>
    /// A stream has cost <paramref name="Total"/> so far: what that adds to its total before is spent of the balance (accepted −
    /// spent), journalled before the reply; deliver after it. A total that is not above the one before is not charged
    /// again. Answered with <see cref="VoucherAccepted"/>, or a <see cref="VoucherRefused"/> PAYMENT_INSUFFICIENT that tells the
    /// cumulative amount required.
    /// </summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="PayerId">Who pays.</param>
    /// <param name="StreamId">The stream: the request id of what was called.</param>
    /// <param name="From">What it had cost when it was metered before; zero the first time.</param>
    /// <param name="Total">What the stream costs up to here.</param>
    public sealed record Meter(string ChannelId, string PayerId, string StreamId, Amount From, Amount Total) : IPayeeChannelMessage;

    /// <summary>
    /// Waits for vouchers: answered with <see cref="VoucherAccepted"/> once the balance is at least <paramref name="Amount"/>, or
    /// with a <see cref="VoucherRefused"/> when the channel ends or the time is up (PAYMENT_INSUFFICIENT).
    /// </summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="PayerId">Who pays.</param>
    /// <param name="Amount">How much must be there.</param>
    /// <param name="Timeout">How long to wait.</param>
    public sealed record AwaitBalance(string ChannelId, string PayerId, Amount Amount, TimeSpan Timeout) : IPayeeChannelMessage;
}
