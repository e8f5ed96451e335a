namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Bounds of channels; each keeps a payer or payee from being filled up or kept waiting by the other.</summary>
internal static class ChannelLimits
{
    /// <summary>Longest request id, in characters.</summary>
    public const int MaxRequestId = 128;

    /// <summary>Longest memo of a payment, in characters.</summary>
    public const int MaxMemo = 256;

    /// <summary>Payments that wait for the vouchers in flight, per channel; more are RATE_LIMITED.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>Requests that a payer may have voided between two vouchers: each takes a line of the payee's journal.</summary>
    public const int MaxVoidedPerVoucher = 1000;

    /// <summary>Streams that wait for vouchers of one channel; more are RATE_LIMITED.</summary>
    public const int MaxWaitingStreams = 256;

    /// <summary>Events between snapshots.</summary>
    public const int SnapshotEvery = 500;

    /// <summary>Before a closing that is not final on chain is looked at again.</summary>
    public static readonly TimeSpan RetryClose = TimeSpan.FromSeconds(15);

    /// <summary>How long a chain is waited for.</summary>
    public static readonly TimeSpan ChainTimeout = TimeSpan.FromSeconds(10);

    /// <summary>How long one actor of this folder waits for another.</summary>
    public static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(10);
}

/// <summary>How long a payer waits for what.</summary>
internal sealed record PayerTimes
{
    /// <summary>For its turn, before a payment is refused.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For the end of a stream, before the payee is asked; longer than a stream may last.</summary>
    public TimeSpan MaxStream { get; init; } = TimeSpan.FromMinutes(11);

    /// <summary>For word of a voucher in flight, before the payee is asked.</summary>
    public TimeSpan MaxFlight { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>For the answer to channel.open and channel.status.</summary>
    public TimeSpan CallDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Before the payee is asked a second time; doubles up to <see cref="MaxBackoff"/>.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Before the payee is asked again, at most.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);
}
