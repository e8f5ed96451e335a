using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>The steps of channels at which a test lets a process die; each is hit by one.</summary>
internal static class ChannelFaults
{
    /// <summary>The payee's yes to a channel has come and is not journalled.</summary>
    public const string PayerOpenAnswered = "payer.open-answered";

    /// <summary>The escrow holds the deposit, if one is put there, and the payee was not asked.</summary>
    public const string PayerFunded = "payer.funded";

    /// <summary>What became of a voucher was told and is not journalled.</summary>
    public const string PayerSettling = "payer.settling";

    /// <summary>The payee's answer to a top-up has come and is not journalled.</summary>
    public const string PayerTopUpAnswered = "payer.top-up-answered";

    /// <summary>The payee's answer to the closing has come and is not journalled.</summary>
    public const string PayerCloseAnswered = "payer.close-answered";

    /// <summary>A voucher was checked and is not journalled.</summary>
    public const string PayeeAccepting = "payee.accepting";

    /// <summary>A tool that was paid for has run, and nobody was told.</summary>
    public const string PayeeServed = "payee.served";

    // Right after an event is on disk, before anyone is told of it.
    private static readonly Dictionary<Type, string> After = new()
    {
        [typeof(PayerChannelEvents.Proposed)] = "payer.proposed",
        [typeof(PayerChannelEvents.Confirmed)] = "payer.confirmed",
        [typeof(PayerChannelEvents.VoucherIssued)] = "payer.voucher-issued",
        [typeof(PayerChannelEvents.Resolved)] = "payer.resolved",
        [typeof(PayerChannelEvents.TopUpBegun)] = "payer.top-up-begun",
        [typeof(PayerChannelEvents.TopUpEnded)] = "payer.top-up-ended",
        [typeof(PayerChannelEvents.ClosingBegun)] = "payer.closing-begun",
        [typeof(PayerChannelEvents.Closed)] = "payer.closed",
        [typeof(PayeeChannelEvents.Opened)] = "payee.opened",
        [typeof(PayeeChannelEvents.VoucherTaken)] = "payee.voucher-taken",
        [typeof(PayeeChannelEvents.Delivered)] = "payee.delivered",
        [typeof(PayeeChannelEvents.ToppedUp)] = "payee.topped-up",
        [typeof(PayeeChannelEvents.ClosingBegun)] = "payee.closing-begun",
        [typeof(PayeeChannelEvents.Closed)] = "payee.closed",
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [PayerFunded, PayerOpenAnswered, PayerSettling, PayerTopUpAnswered, PayerCloseAnswered, PayeeAccepting, PayeeServed, .. After.Values];

    /// <summary>Dies here if the process was told to.</summary>
    public static void Hit(string point) => FaultPoints.Hit(point);

    /// <summary>As above, after the event is on disk.</summary>
    public static void HitAfter(object happened)
    {
        if (FaultPoints.IsArmed && After.TryGetValue(happened.GetType(), out var point))
        {
            FaultPoints.Hit(point);
        }
    }
}
