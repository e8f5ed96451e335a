using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Bridge.Journal;

namespace Hyperspace.Actors.Micropayments.Bridge;

/// <summary>What happened to a transfer.</summary>
internal interface ITransferEvent
{
    /// <summary>The channel that is moved.</summary>
    string ChannelId { get; }
}

/// <summary>Events of <see cref="TransferState"/>.</summary>
internal static class TransferEvents
{
    /// <summary>It is wanted; nothing is done yet.</summary>
    internal sealed record Begun(string ChannelId, string ChannelKey, string PayeePeerId, string Currency, ulong FromChainId, ulong ToChainId, DateTimeOffset At) : ITransferEvent;

    /// <summary>The channel is closed, and this came back.</summary>
    internal sealed record Closed(string ChannelId, ulong RefundedMicro) : ITransferEvent;

    /// <summary>The new channel is open at the payee.</summary>
    internal sealed record Opened(string ChannelId, string NewChannelId) : ITransferEvent;

    /// <summary>It goes no further.</summary>
    internal sealed record Failed(string ChannelId, string Reason) : ITransferEvent;
}

/// <summary>Transfers in the payments journal (<c>bridge_journal.proto</c>).</summary>
internal static class TransferFormat
{
    /// <summary>Every event.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<TransferEvents.Begun, TransferBegunV1>(
            "transfer-begun:1",
            e => new() { ChannelId = e.ChannelId, ChannelKey = e.ChannelKey, PayeePeerId = e.PayeePeerId, Currency = e.Currency, FromChainId = e.FromChainId, ToChainId = e.ToChainId, AtTicks = e.At.UtcTicks },
            m => new(m.ChannelId, m.ChannelKey, m.PayeePeerId, m.Currency, m.FromChainId, m.ToChainId, new DateTimeOffset(m.AtTicks, TimeSpan.Zero)))
        .Map<TransferEvents.Closed, TransferClosedV1>("transfer-closed:1", e => new() { ChannelId = e.ChannelId, RefundedMicro = e.RefundedMicro }, m => new(m.ChannelId, m.RefundedMicro))
        .Map<TransferEvents.Opened, TransferOpenedV1>("transfer-opened:1", e => new() { ChannelId = e.ChannelId, NewChannelId = e.NewChannelId }, m => new(m.ChannelId, m.NewChannelId))
        .Map<TransferEvents.Failed, TransferFailedV1>("transfer-failed:1", e => new() { ChannelId = e.ChannelId, Reason = e.Reason }, m => new(m.ChannelId, m.Reason));
}
