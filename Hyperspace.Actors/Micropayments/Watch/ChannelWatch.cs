using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Watch;

/// <summary>What is to be done about a channel on chain that pays this peer.</summary>
internal enum WatchStep
{
    /// <summary>Nothing now.</summary>
    None,

    /// <summary>The payer has asked to close: claim all that was accepted before the grace period ends.</summary>
    Close,

    /// <summary>Enough was accepted since the last time to be worth a transaction.</summary>
    Settle,
}

/// <summary>How the watch goes about it.</summary>
internal sealed record ChannelWatch
{
    /// <summary>Between two looks; far below the grace period, which is <see cref="EscrowCalls.CloseGraceSeconds"/>.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Accepted and not settled micro-units that are settled.</summary>
    public ulong SettleAtMicro { get; init; } = 1_000_000;

    /// <summary>The next step, by how the channel stands after a look at its escrow.</summary>
    public WatchStep Decide(PayeeChannelView channel) => channel switch
    {
        { OnChain: false } or { Phase: ChannelPhase.Closed } => WatchStep.None,

        // Said again to a channel that is closing it changes nothing, and begins anew where the closing failed.
        { CloseRequestedAt: > 0 } => WatchStep.Close,
        { Phase: ChannelPhase.Open } when channel.Accepted.MicroUnits > channel.Settled.MicroUnits && channel.Accepted.MicroUnits - channel.Settled.MicroUnits >= SettleAtMicro => WatchStep.Settle,
        _ => WatchStep.None,
    };

    /// <summary>The transaction that claims a voucher; null: there is none above what was settled. The same voucher is the same wish.</summary>
    public static ChainCommands.Submit? Settle(HighestVoucher highest) => highest is { OnChain: true, Voucher: { } voucher } && voucher.CumulativeMicro > highest.SettledMicro
        ? new ChainCommands.Submit(
            $"settle-{highest.ChannelId}-{voucher.CumulativeMicro}", highest.Terms.ChainId, Hex.Of(highest.Terms.Escrow.Span),
            Hex.Of(EscrowCalls.Settle(voucher.ChannelId.Span, voucher.CumulativeMicro, voucher.Signature.Span)))
        : null;
}
