using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>The protocols that run over the switch, made and closed together.</summary>
/// <param name="Ping">Round trips.</param>
/// <param name="PubSub">The gossip mesh.</param>
/// <param name="Routing">The DHT.</param>
/// <param name="Rpc">Direct calls.</param>
/// <param name="Reach">How others come to reach this peer.</param>
internal sealed record NetworkProtocols(PingService Ping, GossipSubService PubSub, KademliaService Routing, RpcService Rpc, PeerReach Reach) : IAsyncDisposable
{
    /// <summary>What every peer of the network must judge alike: DHT records by namespace, gossip by topic prefix.</summary>
    public sealed record Validators(IReadOnlyDictionary<string, IRecordValidator> Records, IReadOnlyDictionary<string, TopicValidator> Topics);

    public static NetworkProtocols Create(Libp2pSwitch network, PeerOptions options, PeerIdentity identity, Validators validators, TimeProvider time, ILoggerFactory loggers)
    {
        var pubSub = new GossipSubService(network, identity.Keys, new GossipSubOptions { TimeProvider = time, Logger = loggers.CreateLogger<GossipSubService>() });
        foreach (var (prefix, validator) in validators.Topics)
        {
            pubSub.Validate(prefix, validator);
        }

        var kademlia = new KademliaOptions
        {
            ProtocolId = options.KadProtocol,
            Mode = options.Profile == PeerProfile.Light ? KademliaMode.Client : KademliaMode.Server,
            Validators = validators.Records,
        };
        return new NetworkProtocols(
            new PingService(network, time),
            pubSub,
            new KademliaService(network, kademlia, time, store: new RoutingTableFile(options.DataDirectory), logger: loggers.CreateLogger<KademliaService>()),
            new RpcService(network, time: time, logger: loggers.CreateLogger<RpcService>()),
            new PeerReach(network, options, identity.Keys, time, loggers));
    }

    public async ValueTask DisposeAsync()
    {
        await Reach.DisposeAsync().ConfigureAwait(false);
        await Rpc.DisposeAsync().ConfigureAwait(false);
        await Routing.DisposeAsync().ConfigureAwait(false);
        await PubSub.DisposeAsync().ConfigureAwait(false);
    }
}
