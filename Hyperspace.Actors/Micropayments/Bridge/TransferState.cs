using System.Collections.Immutable;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Bridge;

/// <summary>One transfer.</summary>
internal sealed record Transfer(TransferEvents.Begun Begun, TransferStep Step, ulong MovedMicro, string? NewChannelId, string? Error)
{
    public bool IsOver => Step is TransferStep.Done or TransferStep.Failed;

    public Amount Moved => new(MovedMicro, Currency.Parse(Begun.Currency));

    public ChannelTransferView View() => new(Begun.ChannelId, Begun.FromChainId, Begun.ToChainId, Step, Moved, NewChannelId, Error);
}

/// <summary>All transfers, by the channel that is moved. Each step is asked for until its outcome is known, and asking twice does it once.</summary>
internal sealed record TransferState
{
    /// <summary>Transfers under way at once.</summary>
    public const int MaxOpen = 100;

    public ImmutableDictionary<string, Transfer> Transfers { get; init; } = ImmutableDictionary.Create<string, Transfer>(StringComparer.Ordinal);

    public IEnumerable<Transfer> Open => Transfers.Values.Where(transfer => !transfer.IsOver);

    /// <summary>The event to journal, a refusal, or neither when it is under way already.</summary>
    /// <param name="begin">What is asked for.</param>
    /// <param name="channel">The channel as its payer's side has it; null: there is none.</param>
    /// <param name="chains">Ids of the chains that this peer is set up for and that have an escrow.</param>
    /// <param name="now">The time.</param>
    public (TransferEvents.Begun? Event, Refusal? Refusal) Decide(TransferCommands.Begin begin, PayerChannelView? channel, IReadOnlyCollection<ulong> chains, DateTimeOffset now)
    {
        var known = Transfers.GetValueOrDefault(begin.ChannelId);
        return channel switch
        {
            _ when known is not null && known.Begun.ToChainId == begin.ToChainId && known.Step != TransferStep.Failed => (null, null),
            _ when known is { IsOver: false } => (null, new Refusal(ErrorCodes.Conflict, $"The channel is on its way to chain {known.Begun.ToChainId}.")),
            null or { PayeePeerId: null } => (null, new Refusal(ErrorCodes.ChannelNotFound, "This peer pays over no such channel; micropayments.channel.list shows those that it has.")),
            { OnChain: false } => (null, new Refusal(ErrorCodes.ChannelRefused, "The channel is on trust, and has nothing on a chain to move.")),
            { Opening: true } or { Phase: not ChannelPhase.Open } => (null, new Refusal(ErrorCodes.ChannelRefused, "The channel is being opened, or is closed or being closed; only an open one can be moved.")),
            _ when !chains.Contains(begin.ToChainId) => (null, new Refusal(
                ErrorCodes.ChainNotConfigured, $"This peer is not set up for chain {begin.ToChainId} with an escrow. Describe it in chains.json, and start the peer again.")),
            _ when channel.ChainId == begin.ToChainId => (null, new Refusal(ErrorCodes.InvalidParams, $"The channel is on chain {begin.ToChainId} already.")),
            _ when channel.Deposit.MicroUnits <= channel.Accepted.MicroUnits => (null, new Refusal(ErrorCodes.ChannelRefused, "Nothing is left of the channel's deposit; close it.")),
            _ when Open.Any(transfer => transfer.Begun.ChannelKey == channel.ChannelKey) => (null, new Refusal(ErrorCodes.Conflict, "Another channel to this payee is being moved; wait for it.")),
            _ when Open.Count() >= MaxOpen => (null, new Refusal(ErrorCodes.RateLimited, $"{MaxOpen} channels are being moved already; try again later.")),
            _ => (new TransferEvents.Begun(begin.ChannelId, channel.ChannelKey, channel.PayeePeerId, channel.Deposit.Currency.Code, channel.ChainId, begin.ToChainId, now), null),
        };
    }

    /// <summary>What follows from the channels of the transfer's key; null: the step must be asked for.</summary>
    /// <param name="transfer">The transfer.</param>
    /// <param name="channels">All of them, closed ones too, the one in use last.</param>
    public static ITransferEvent? See(Transfer transfer, IReadOnlyList<PayerChannelView> channels)
    {
        var id = transfer.Begun.ChannelId;
        switch (transfer.Step)
        {
            case TransferStep.Closing:
                return channels.FirstOrDefault(c => c.ChannelId == id) is { Phase: ChannelPhase.Closed } closed ? Closed(transfer, closed.Refunded.MicroUnits) : null;
            case TransferStep.Opening:
                return channels.LastOrDefault() switch
                {
                    null or { ChannelId: null } or { Opening: true } or { Phase: not ChannelPhase.Open } => null,
                    var last when last.ChannelId == id => null,

                    // Only this operation opens one on that chain with that deposit while it is under way.
                    { OnChain: true } open when open.ChainId == transfer.Begun.ToChainId && open.Deposit.MicroUnits == transfer.MovedMicro => new TransferEvents.Opened(id, open.ChannelId!),
                    var other => new TransferEvents.Failed(
                        id, $"Another channel to this payee, {other.ChannelId}, was opened meanwhile. {transfer.Moved} came back on chain {transfer.Begun.FromChainId}; close that one and open one on chain {transfer.Begun.ToChainId}."),
                };
            default:
                return null;
        }
    }

    private static ITransferEvent Closed(Transfer transfer, ulong refundedMicro) => refundedMicro > 0
        ? new TransferEvents.Closed(transfer.Begun.ChannelId, refundedMicro)
        : new TransferEvents.Failed(transfer.Begun.ChannelId, "The channel is closed, and nothing was left of its deposit to move.");

    /// <summary>What follows from a refusal of the step that was asked for; null: it is asked for again.</summary>
    public static ITransferEvent? Decide(Transfer transfer, Refusal refusal) => refusal.Code switch
    {
        ErrorCodes.PeerUnreachable or ErrorCodes.Timeout or ErrorCodes.PaymentPending or ErrorCodes.JournalFailed or ErrorCodes.RateLimited or ErrorCodes.Conflict or ErrorCodes.Internal => null,
        _ when transfer.Step == TransferStep.Closing => new TransferEvents.Failed(transfer.Begun.ChannelId, $"The channel was not closed, and is as it was: {refusal.Message}"),
        _ => new TransferEvents.Failed(
            transfer.Begun.ChannelId, $"The new channel was not opened: {refusal.Message} {transfer.Moved} came back to this peer's wallet on chain {transfer.Begun.FromChainId}."),
    };

    public TransferState Apply(ITransferEvent happened) => happened switch
    {
        TransferEvents.Begun e => this with { Transfers = Transfers.SetItem(e.ChannelId, new Transfer(e, TransferStep.Closing, 0, null, null)) },
        TransferEvents.Closed e => With(e.ChannelId, t => t with { Step = TransferStep.Opening, MovedMicro = e.RefundedMicro, Error = null }),
        TransferEvents.Opened e => With(e.ChannelId, t => t with { Step = TransferStep.Done, NewChannelId = e.NewChannelId, Error = null }),
        TransferEvents.Failed e => With(e.ChannelId, t => t with { Step = TransferStep.Failed, Error = e.Reason }),
        _ => throw new InvalidOperationException($"{happened.GetType()} is no event of a transfer."),
    };

    /// <summary>What keeps a transfer; not journalled.</summary>
    public TransferState Troubled(string channelId, string trouble) => With(channelId, t => t.IsOver ? t : t with { Error = trouble });

    private TransferState With(string channelId, Func<Transfer, Transfer> change) => this with { Transfers = Transfers.SetItem(channelId, change(Transfers[channelId])) };
}
