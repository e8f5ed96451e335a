using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Hyperspace.Actors.Chain;

/// <summary>Wires the configured chains into a peer.</summary>
public static class ChainExtensions
{
    /// <summary>Adds <see cref="IChains"/> of <see cref="PeerOptions.Chains"/>.</summary>
    public static IServiceCollection AddChains(this IServiceCollection services)
    {
        services.TryAddSingleton<EvmChains>();
        services.TryAddSingleton<IChains>(s => s.GetRequiredService<EvmChains>());
        services.TryAddSingleton<IEvmNodes>(s => s.GetRequiredService<EvmChains>());
        return services;
    }

    /// <summary>
    /// Registers <see cref="ActorKeys.Chain"/>, which goes on with what the journal has open. Call it after the engine. Needs
    /// <see cref="AddChains"/>, <see cref="PeerIdentity"/> and <see cref="TimeProvider"/> among the services.
    /// </summary>
    public static AkkaConfigurationBuilder WithChains(this AkkaConfigurationBuilder builder) => builder.WithChains(new ChainTimes());

    /// <summary>As above, with another patience.</summary>
    internal static AkkaConfigurationBuilder WithChains(this AkkaConfigurationBuilder builder, ChainTimes times) => builder
        .WithJournalFormat("hyperspace-chain", SerializerIds.Chain, ChainFormat.Format)
        .WithSingleton<ActorKeys.Chain>(
            "chain",
            (_, _, resolver) => Supervision.AgainAfterStop(
                Props.Create(() => new ChainActor(
                    resolver.GetService<IChains>(), resolver.GetService<IEvmNodes>(), resolver.GetService<PeerIdentity>().Wallet, times, resolver.GetService<TimeProvider>())),
                "transactions",
                JournalRefusals.Payments));
}
