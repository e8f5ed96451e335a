using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>Wires the network into a peer.</summary>
public static class TransportExtensions
{
    /// <summary>
    /// Adds the switch and the protocols over it as services: <see cref="ISwitch"/>, <see cref="IPubSub"/>,
    /// <see cref="IContentRouting"/>, <see cref="IRpc"/> and <see cref="PingService"/>. Call it before Akka is added, so
    /// that the network starts before the actors and stops after them.
    /// </summary>
    /// <param name="services">The peer's services.</param>
    /// <param name="records">Validators of DHT records by namespace.</param>
    /// <param name="topics">Validators of gossip by topic prefix.</param>
    public static IServiceCollection AddNetwork(
        this IServiceCollection services,
        Func<TimeProvider, IReadOnlyDictionary<string, IRecordValidator>> records,
        Func<TimeProvider, IReadOnlyDictionary<string, TopicValidator>> topics)
    {
        services.AddSingleton(s => new Libp2pSwitch(new SwitchOptions
        {
            KeyPair = s.GetRequiredService<PeerIdentity>().Keys,
            ListenAddresses = s.GetRequiredService<PeerOptions>().Listen,
            AgentVersion = s.GetRequiredService<PeerOptions>().AgentVersion,
            TimeProvider = s.GetRequiredService<TimeProvider>(),
            LoggerFactory = s.GetRequiredService<ILoggerFactory>(),
        }));
        services.AddSingleton(s =>
        {
            var time = s.GetRequiredService<TimeProvider>();
            return NetworkProtocols.Create(
                s.GetRequiredService<Libp2pSwitch>(),
                s.GetRequiredService<PeerOptions>(),
                s.GetRequiredService<PeerIdentity>(),
                new NetworkProtocols.Validators(records(time), topics(time)),
                time,
                s.GetRequiredService<ILoggerFactory>());
        });
        services.AddSingleton<ISwitch>(s => s.GetRequiredService<Libp2pSwitch>());
        services.AddSingleton<IPubSub>(s => s.GetRequiredService<NetworkProtocols>().PubSub);
        services.AddSingleton<IContentRouting>(s => s.GetRequiredService<NetworkProtocols>().Routing);
        services.AddSingleton<IRpc>(s => s.GetRequiredService<NetworkProtocols>().Rpc);
        services.AddSingleton(s => s.GetRequiredService<NetworkProtocols>().Ping);
        services.AddHostedService<NetworkService>();
        return services;
    }

    /// <summary>
    /// Registers <see cref="ActorKeys.Connections"/>, <see cref="ActorKeys.Gossip"/> and <see cref="ActorKeys.Dht"/>: the network for actors.
    /// Each has a guardian of its own, so that none takes another with it. Call it before the primitives that use them.
    /// </summary>
    public static AkkaConfigurationBuilder WithTransport(this AkkaConfigurationBuilder builder) => builder
        .WithActors((system, registry, resolver) =>
        {
            var loggers = resolver.GetService<ILoggerFactory>();
            var (network, pubSub, routing) = (resolver.GetService<ISwitch>(), resolver.GetService<IPubSub>(), resolver.GetService<IContentRouting>());
            registry.Register<ActorKeys.Connections>(system.ActorOf(Props.Create(() => new ConnectionGuardian(network, loggers)), "connections"));
            registry.Register<ActorKeys.Gossip>(system.ActorOf(Props.Create(() => new GossipGuardian(pubSub, loggers)), "gossip"));
            registry.Register<ActorKeys.Dht>(system.ActorOf(Props.Create(() => new DhtGuardian(routing, loggers)), "dht"));
        });

    /// <summary>Joins the mesh through the bootstrap peers and those that it remembers, and stays joined. Call it last, so that this peer serves when others find it.</summary>
    public static AkkaConfigurationBuilder WithBootstrap(this AkkaConfigurationBuilder builder) => builder
        .WithActors((system, _, resolver) =>
        {
            var (network, options, loggers) = (resolver.GetService<ISwitch>(), resolver.GetService<PeerOptions>(), resolver.GetService<ILoggerFactory>());
            var file = new PeersFile(options.DataDirectory, loggers);
            system.ActorOf(Props.Create(() => new BootstrapActor(network, options.Bootstrap, file, loggers)), "bootstrap");
        });
}
