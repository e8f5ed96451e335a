using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>Commands of the payee's side of a channel for what is paid while it is delivered.</summary>
public static class MeteringCommands
{
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
