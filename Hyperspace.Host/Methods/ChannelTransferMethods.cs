using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>micropayments.channel.transfer</c>: channels to another chain.</summary>
internal sealed class ChannelTransferMethods(PeerActors actors)
{
    private const string Transfer = "{channelId, fromChain, toChain, step: 'closing' | 'opening' | 'done' | 'failed', moved, newChannelId, error}";

    // It asks a chain what the wallet has there.
    private static readonly TimeSpan Begin = TimeSpan.FromSeconds(60);

    private static ApiParam ChannelId { get; } = new("channelId", "string", true, "0x and 64 hex digits, as micropayments.channel.list gives it.");

    public IEnumerable<ApiMethod> All() =>
    [
        new("micropayments.channel.transfer", "Closes a channel on its chain and opens one to the same payee on another chain with what came back; goes on after a restart. The wallet needs that much on the other chain.",
            [ChannelId, new("toChain", "integer", true, "EIP-155 id of a configured chain.")],
            Transfer,
            async (p, _, ct) => Of(await actors.AskAsync<ActorKeys.Transfers, ChannelTransferView>(new TransferCommands.Begin(IdOf(p), ChainOf(p)), Begin, ct))),
        new("micropayments.channel.transferred", "How far the transfer of a channel is.",
            [ChannelId],
            Transfer,
            async (p, _, ct) => Of(await actors.AskAsync<ActorKeys.Transfers, ChannelTransferView>(new TransferCommands.Get(IdOf(p)), cancellationToken: ct))),
    ];

    private static string IdOf(Params p) => p.String("channelId", 66);

    private static ulong ChainOf(Params p) =>
        p.OptionalInt("toChain", 0, 1, int.MaxValue) is > 0 and var chain ? (ulong)chain : throw JsonRpcException.BadParams("'toChain' is missing; give the EIP-155 id of a configured chain.");

    private static JsonObject Of(ChannelTransferView view) => new()
    {
        ["channelId"] = view.ChannelId,
        ["fromChain"] = view.FromChainId,
        ["toChain"] = view.ToChainId,
        ["step"] = view.Step.ToString().ToLowerInvariant(),
        ["moved"] = Json.Of(view.Moved),
        ["newChannelId"] = view.NewChannelId,
        ["error"] = view.Error,
    };
}
