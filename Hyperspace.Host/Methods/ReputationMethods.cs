using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Libp2p;

namespace Hyperspace.Host.Methods;

/// <summary><c>reputation.*</c>.</summary>
internal static class ReputationMethods
{
    private const int MaxId = 128;
    private static readonly ApiParam Peer = new("peerId", "string", true, "Whom it is about.");

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("reputation.get", "How a peer stands with this one: as a provider, and what its experience weighs.",
            [Peer],
            "{peerId, reputation, weight, quarantined}",
            async (p, _, ct) => Brief(await GetAsync(actors, p, ct))),
        new("reputation.explain", "Why a peer stands as it does.",
            [Peer],
            "{peerId, reputation, weight, quarantined, reasons: [{kind, for, against, text}]}",
            async (p, _, ct) =>
            {
                var view = await GetAsync(actors, p, ct);
                var explained = Brief(view);
                explained["reasons"] = Json.Array(view.Reasons, r => new JsonObject { ["kind"] = r.Kind, ["for"] = r.For, ["against"] = r.Against, ["text"] = r.Text });
                return explained;
            }),
        new("reputation.rate", "Says what a peer's service was worth; give exactly one of peerId, sessionId and requestId. With a payment's receipt it is gossiped, too.",
            [
                new("peerId", "string", false, "The peer."),
                new("sessionId", "string", false, "A session: whoever was paid in it."),
                new("requestId", "string", false, "A paid call: its receipt's requestId."),
                new("value", "number", true, "-1 (bad) to 1 (good)."),
            ],
            "{peers, gossiped}",
            async (p, _, ct) =>
            {
                var peerId = p.OptionalString("peerId", MaxId) is { } named ? PeerOf(named).ToString() : null;
                var rate = new ReputationCommands.Rate(peerId, p.OptionalString("sessionId", MaxId), p.OptionalString("requestId", MaxId), p.Number("value", -1, 1));
                var rated = await actors.AskAsync<ActorKeys.Reputation, PeersRated>(rate, cancellationToken: ct);
                return new JsonObject { ["peers"] = Json.Array(rated.Peers), ["gossiped"] = rated.Gossiped };
            }),
    ];

    private static Task<ReputationView> GetAsync(PeerActors actors, Params p, CancellationToken cancellationToken) =>
        actors.AskAsync<ActorKeys.Reputation, ReputationView>(new ReputationCommands.Get(PeerOf(p.String("peerId", MaxId)).ToString()), cancellationToken: cancellationToken);

    /// <summary>The peer, however its id is written: it is known by one spelling.</summary>
    private static PeerId PeerOf(string peerId) => PeerId.TryParse(peerId, out var peer)
        ? peer
        : throw JsonRpcException.BadParams("'peerId' must be a peer id, as node.peers gives them.");

    private static JsonObject Brief(ReputationView view) => new()
    {
        ["peerId"] = view.PeerId,
        ["reputation"] = Math.Round(view.Reputation, 4),
        ["weight"] = Math.Round(view.Weight, 4),
        ["quarantined"] = view.Quarantined,
    };
}
