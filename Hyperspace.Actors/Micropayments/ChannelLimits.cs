namespace Hyperspace.Actors.Micropayments;

/// <summary>Bounds of channels; each keeps a payer or payee from being filled up or kept waiting by the other.</summary>
internal static class ChannelLimits
{
    /// <summary>Longest request id, in characters.</summary>
    public const int MaxRequestId = 128;

    /// <summary>Payments that wait for the voucher in flight, per channel; more are RATE_LIMITED.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>Requests that a payer may have voided between two vouchers: each takes a line of the payee's journal.</summary>
    public const int MaxVoidedPerVoucher = 1000;

    /// <summary>Events between snapshots.</summary>
    public const int SnapshotEvery = 500;

    /// <summary>How long a payment waits for its turn before it is refused.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    /// <summary>How long a voucher may be in flight without word of it before the payee is asked.</summary>
    public static readonly TimeSpan MaxFlight = TimeSpan.FromSeconds(15);

    /// <summary>Deadline of channel.open and channel.status.</summary>
    public static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(10);

    /// <summary>First pause before the payee is asked again; doubles up to <see cref="MaxBackoff"/>.</summary>
    public static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest pause before the payee is asked again.</summary>
    public static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(30);

    /// <summary>How long one actor of this folder waits for another.</summary>
    public static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(10);
}
