using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Libp2p;

namespace Hyperspace.Host.Methods;

/// <summary><c>micropayments.channel.*</c>: channels to other peers and from them.</summary>
internal sealed class MicropaymentsMethods(PeerActors actors)
{
    private const int MaxKnown = 10_000;
    private const string Channel = "the channel as in micropayments.channel.list";
    private static readonly TimeSpan OnChain = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Payment = TimeSpan.FromSeconds(60);

    // What a channel is called by the actors never changes.
    private readonly ConcurrentDictionary<string, (string Key, Currency Currency)> _known = new(StringComparer.Ordinal);

    private static ApiParam ChannelId { get; } = new("channelId", "string", true, "0x and 64 hex digits, as micropayments.channel.list gives it.");

    public IEnumerable<ApiMethod> All() =>
    [
        new("micropayments.channel.open", "Opens a channel to a payee: on trust within the credit that it gives, or in the escrow of a chain.",
            [
                new("payee", "string", true, "The payee's peer id."),
                new("budget", "amount", true, "The deposit."),
                new("currency", "string", false, "USDC unless given."),
                new("chain", "integer", false, "EIP-155 id of a configured chain; without it the channel is on trust."),
            ],
            Channel,
            OpenAsync),
        new("micropayments.channel.pay", "Pays the payee over an open channel; taken and spent at once.",
            [
                ChannelId,
                new("amount", "amount", true, "What to pay, in the channel's currency."),
                new("memo", "string", false, "What it is for."),
                new("requestId", "string", false, "The same one is not charged again."),
                new("sessionId", "string", false, "Whose payment it is, in the ledger."),
            ],
            "{channelId, requestId, outcome: 'accepted' | 'unknown', cost}",
            PayAsync),
        new("micropayments.channel.topUp", "Adds to an open channel's deposit.",
            [ChannelId, new("amount", "amount", true, "How much to add.")],
            Channel,
            TopUpAsync),
        new("micropayments.channel.close", "Closes a channel: what was spent is settled, and the remainder comes back.",
            [ChannelId],
            Channel,
            CloseAsync),
        new("micropayments.channel.list", "Channels that this peer pays over or is paid over.", [],
            "[{side, channelId, peerId, deposit, accepted, phase: 'open' | 'closing' | 'closed', settled, refunded, …}]",
            async (_, _, ct) =>
            {
                var totals = await TotalsAsync(ct);
                return new JsonArray([.. totals.Paying.Select(Json.Of), .. totals.Receiving.Select(Json.Of)]);
            }),
        new("micropayments.channel.get", "One channel, of either side.",
            [ChannelId],
            Channel,
            async (p, _, ct) =>
            {
                var (id, totals) = (IdOf(p), await TotalsAsync(ct));
                return totals.Paying.FirstOrDefault(c => c.ChannelId == id) is { } paying ? Json.Of(paying)
                    : totals.Receiving.FirstOrDefault(c => c.ChannelId == id) is { } receiving ? Json.Of(receiving)
                    : throw Unknown();
            }),
    ];

    private async Task<JsonNode?> OpenAsync(Params p, INotifications? client, CancellationToken cancellationToken)
    {
        var payee = p.String("payee", 128);
        if (!PeerId.TryParse(payee, out _))
        {
            throw JsonRpcException.BadParams("'payee' is a peer id, as 12D3KooW….");
        }

        var currency = p.OptionalCurrency("currency");
        var chain = p.OptionalInt("chain", 0, 0, int.MaxValue);
        var open = new PayerChannelCommands.Open($"{payee}:{currency}", payee, p.Amount("budget", currency), chain > 0 ? (ulong)chain : null);
        return Json.Of(await actors.AskAsync<ActorKeys.PayerChannels, PayerChannelView>(open, chain > 0 ? OnChain : null, cancellationToken));
    }

    private async Task<JsonNode?> PayAsync(Params p, INotifications? client, CancellationToken cancellationToken)
    {
        var (id, (key, currency)) = (IdOf(p), await FindAsync(IdOf(p), cancellationToken));
        var send = new PayerChannelCommands.Send(
            key, p.OptionalString("requestId", 128) ?? $"pay_{Guid.CreateVersion7():N}", p.Amount("amount", currency), p.OptionalString("memo", 256), p.OptionalString("sessionId", 128), id);
        var settled = await actors.AskAsync<ActorKeys.PayerChannels, PaymentSettled>(send, Payment, cancellationToken);
        return new JsonObject
        {
            ["channelId"] = id,
            ["requestId"] = settled.RequestId,
            ["outcome"] = settled.Outcome.ToString().ToLowerInvariant(),
            ["cost"] = Json.Of(settled.Cost),
        };
    }

    private async Task<JsonNode?> TopUpAsync(Params p, INotifications? client, CancellationToken cancellationToken)
    {
        var id = IdOf(p);
        var (key, currency) = await FindAsync(id, cancellationToken);
        var amount = p.Amount("amount", currency);
        var now = await actors.AskAsync<ActorKeys.PayerChannels, PayerChannelView>(new PayerChannelCommands.Get(key), cancellationToken: cancellationToken);
        var topUp = new PayerChannelCommands.TopUp(key, now.Deposit.MicroUnits + amount.MicroUnits, id);
        return Json.Of(await actors.AskAsync<ActorKeys.PayerChannels, PayerChannelView>(topUp, now.OnChain ? OnChain : null, cancellationToken));
    }

    private async Task<JsonNode?> CloseAsync(Params p, INotifications? client, CancellationToken cancellationToken)
    {
        var id = IdOf(p);
        if ((await TotalsAsync(cancellationToken)).Paying.FirstOrDefault(c => c.ChannelId == id) is { Phase: ChannelPhase.Closed } closed)
        {
            return Json.Of(closed);
        }

        var (key, _) = await FindAsync(id, cancellationToken);
        return Json.Of(await actors.AskAsync<ActorKeys.PayerChannels, PayerChannelView>(new PayerChannelCommands.Close(key, id), Payment, cancellationToken));
    }

    /// <summary>The key of a channel that this peer pays over, and that is the one in use.</summary>
    private async Task<(string Key, Currency Currency)> FindAsync(string channelId, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(channelId, out var known))
        {
            return known;
        }

        var found = (await TotalsAsync(cancellationToken)).Paying.FirstOrDefault(c => c.ChannelId == channelId) ?? throw Unknown();
        if (found.Phase == ChannelPhase.Closed)
        {
            throw JsonRpcException.Refused(new Refusal(ErrorCodes.ChannelNotFound, "The channel is closed; open another one."));
        }

        if (_known.Count < MaxKnown)
        {
            _known[channelId] = (found.ChannelKey, found.Deposit.Currency);
        }

        return (found.ChannelKey, found.Deposit.Currency);
    }

    private Task<ChannelTotals> TotalsAsync(CancellationToken cancellationToken) => actors.AskAsync<ActorKeys.Channels, ChannelTotals>(new GetChannelTotals(), cancellationToken: cancellationToken);

    private static string IdOf(Params p) => p.String("channelId", 66);

    private static JsonRpcException Unknown() => JsonRpcException.Refused(new Refusal(ErrorCodes.ChannelNotFound, "This peer has no channel with this id; micropayments.channel.list shows those that it has."));
}
