using Akka.Actor;
using Akka.DependencyInjection;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Reputation;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Actors.Reputation;

/// <summary>Wires reputation into a peer.</summary>
public static class ReputationExtensions
{
    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(20);

    /// <summary>Adds <see cref="ITrust"/>, which everyone may read.</summary>
    public static IServiceCollection AddTrust(this IServiceCollection services) => services
        .AddSingleton(s => new TrustBoard(s.GetRequiredService<PeerIdentity>().PeerId.ToString()))
        .AddSingleton<ITrust>(s => s.GetRequiredService<TrustBoard>());

    /// <summary>
    /// Registers <see cref="ActorKeys.Reputation"/>. Call it after the engine and after <see cref="ActorKeys.Gossip"/> is
    /// registered. Needs <see cref="AddTrust"/>, <see cref="PeerIdentity"/>, <see cref="HybridClock"/>, <see cref="TimeProvider"/> and
    /// <see cref="PeerOptions"/> among the services. Set <see cref="Ratings.Validator"/> on the mesh for
    /// <see cref="Contracts.Topics.Reputation"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithReputation(this AkkaConfigurationBuilder builder) => builder
        .WithJournalFormat("hyperspace-reputation", SerializerIds.Reputation, ReputationJournal.Format)
        .WithActors((system, registry, resolver) =>
        {
            var gossip = registry.Get<ActorKeys.Gossip>();
            var actor = Props.Create(() => new ReputationActor(
                resolver.GetService<PeerIdentity>(), resolver.GetService<HybridClock>(), resolver.GetService<TimeProvider>(),
                resolver.GetService<PeerOptions>().Learning, resolver.GetService<TrustBoard>(), gossip));
            registry.Register<ActorKeys.Reputation>(system.ActorOf(Supervision.AgainAfterStop(actor, "peers", ReputationActor.JournalFailed), "reputation"));
        })
        .AddStartup(UntilReadAsync);

    // Whoever is answered before it is known whom to trust gets an answer that trusts nobody.
    private static async Task UntilReadAsync(ActorSystem system, IActorRegistry registry)
    {
        try
        {
            await registry.Get<ActorKeys.Reputation>().Ask<object>(new ReputationCommands.Get(""), ReadPatience).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            system.Log.Warning("What is known of peers could not be read within {0} s; until it is, nobody is trusted.", ReadPatience.TotalSeconds);
        }
    }
}
