using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Host.Methods;

/// <summary><c>node.*</c>: what the peer is and whom it knows.</summary>
internal sealed class NodeMethods(
    PeerOptions options,
    PeerIdentity identity,
    ISwitch network,
    IPubSub pubSub,
    IContentRouting routing,
    PingService ping,
    PeerActors actors,
    TimeProvider time)
{
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(2);
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public IEnumerable<ApiMethod> All() =>
    [
        new("node.info", "Who this peer is.", [],
            "{peerId, walletAddress, secp256k1, listen, agentVersion, profile, uptimeSeconds, connectedPeers, topics, dhtPeers, gossip: {published, delivered, duplicates, rejected, bytesIn, bytesOut}, memoryBytes}",
            (_, _, _) => Task.FromResult<JsonNode?>(Info())),
        new("node.peers", "Connected peers.", [],
            "[{peerId, addresses, latencyMs, protocols, agentVersion}]",
            async (_, _, ct) => new JsonArray(await Task.WhenAll(network.ConnectedPeers.Select(peer => DescribeAsync(peer, ct))))),
        new("node.connect", "Dials a peer.", [new("multiaddr", "string", true, "As /ip4/127.0.0.1/tcp/4001/p2p/12D3KooW…")],
            "{peerId}",
            ConnectAsync),
    ];

    private JsonObject Info()
    {
        var counters = pubSub.Counters;
        return new JsonObject
        {
            ["peerId"] = identity.PeerId.ToString(),
            ["walletAddress"] = "0x" + Convert.ToHexStringLower(identity.Wallet.Address.Span),
            ["secp256k1"] = Secp256k1Wallet.Library,
            ["listen"] = Json.Array(network.ListenAddresses.Select(a => a.WithPeer(identity.PeerId).ToString())),
            ["agentVersion"] = options.AgentVersion,
            ["profile"] = options.Profile.ToString().ToLowerInvariant(),
            ["uptimeSeconds"] = Math.Round((time.GetUtcNow() - _startedAt).TotalSeconds, 3),
            ["connectedPeers"] = network.ConnectedPeers.Count,
            ["topics"] = Json.Array(pubSub.Topics.Order(StringComparer.Ordinal)),
            ["dhtPeers"] = routing.RoutingTableSize,
            ["gossip"] = new JsonObject
            {
                ["published"] = counters.Published,
                ["delivered"] = counters.Delivered,
                ["duplicates"] = counters.Duplicates,
                ["rejected"] = counters.Rejected,
                ["bytesIn"] = counters.BytesIn,
                ["bytesOut"] = counters.BytesOut,
            },
            ["memoryBytes"] = Environment.WorkingSet,
        };
    }

    private async Task<JsonNode?> DescribeAsync(PeerId peer, CancellationToken cancellationToken)
    {
        var record = network.Find(peer);
        return new JsonObject
        {
            ["peerId"] = peer.ToString(),
            ["addresses"] = Json.Array((record?.Addresses ?? []).Select(a => a.ToString())),
            ["latencyMs"] = await LatencyAsync(peer, cancellationToken),
            ["protocols"] = Json.Array(record?.Protocols ?? []),
            ["agentVersion"] = record?.AgentVersion,
        };
    }

    private async Task<JsonNode?> LatencyAsync(PeerId peer, CancellationToken cancellationToken)
    {
        try
        {
            return Json.Milliseconds(await ping.PingAsync(peer, cancellationToken).WaitAsync(PingTimeout, time, cancellationToken));
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            return null;
        }
    }

    private async Task<JsonNode?> ConnectAsync(Params p, INotifications? client, CancellationToken cancellationToken)
    {
        var dial = new ConnectionCommands.Dial(p.String("multiaddr", 1024));
        return new JsonObject { ["peerId"] = (await actors.AskAsync<ActorKeys.Connections, Dialled>(dial, cancellationToken: cancellationToken)).PeerId };
    }
}
