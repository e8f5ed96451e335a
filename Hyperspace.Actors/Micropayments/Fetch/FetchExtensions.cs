using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>Wires fetches that may be paid for into a peer.</summary>
public static class FetchExtensions
{
    /// <summary>
    /// Registers <see cref="ActorKeys.Fetches"/>. Call it after the engine. Needs <see cref="PeerOptions"/>,
    /// <see cref="PeerIdentity"/> and <see cref="TimeProvider"/> among the services, and the chains when there are any.
    /// </summary>
    public static AkkaConfigurationBuilder WithFetch(this AkkaConfigurationBuilder builder) => builder.WithFetch(new FetchTimes());

    /// <summary>As above, with other times to wait.</summary>
    internal static AkkaConfigurationBuilder WithFetch(this AkkaConfigurationBuilder builder, FetchTimes times) => builder
        .WithJournalFormat("hyperspace-fetch", SerializerIds.Fetch, FetchJournal.Format)
        .WithShardRegion<ActorKeys.Fetches>(
            "fetches",
            (system, registry, resolver) =>
            {
                var client = new FetchClient();
                system.RegisterOnTermination(client.Dispose);
                var services = new FetchServices(
                    resolver.GetService<PeerIdentity>().Wallet, client, resolver.GetService<PeerOptions>().Chains, resolver.GetService<TimeProvider>(), static () => RandomNumberGenerator.GetBytes(32), registry);
                return _ => Props.Create(() => new FetchActor(services, resolver.GetService<IChains>(), times));
            },
            ShardingDefaults.Extractor<object>(_ => FetchActor.EntityId),
            ShardingDefaults.Options)
        .WithActors((_, registry, resolver) =>
        {
            // Without a chain nothing is signed, so nothing is open.
            if (resolver.GetService<PeerOptions>().Chains.Count > 0)
            {
                registry.Get<ActorKeys.Fetches>().Tell(new FetchLook());
            }
        });
}
