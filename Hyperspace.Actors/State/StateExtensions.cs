using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Guard;
using Hyperspace.Contracts.State;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Actors.State;

/// <summary>How sessions are kept.</summary>
public sealed record SessionOptions
{
    /// <summary>What operations the guard lets through.</summary>
    public GuardPolicy Guard { get; init; } = new();

    /// <summary>A session that hears nothing for so long, and has no open reservation, leaves memory.</summary>
    public TimeSpan IdleAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>A snapshot is written after so many events.</summary>
    public int SnapshotEvery { get; init; } = 250;

    /// <summary>How long after a payer channel did not know a payment's outcome it is asked again; doubles each time.</summary>
    public TimeSpan FirstResolveDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest such delay.</summary>
    public TimeSpan LastResolveDelay { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Wires sessions into the system.</summary>
public static class StateExtensions
{
    /// <summary>
    /// Registers the shard region of sessions as <see cref="ActorKeys.Sessions"/>. Reservations that a crash left open are
    /// settled through <see cref="ActorKeys.PayerChannels"/>, which may be registered later. Needs a <see cref="TimeProvider"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithSessions(this AkkaConfigurationBuilder builder, SessionOptions? options = null) => builder
        .WithJournalFormat("hyperspace-state", SerializerIds.State, SessionFormat.Format)
        .WithShardRegion<ActorKeys.Sessions>(
            "sessions",
            (_, registry, services) =>
            {
                var kept = options ?? new SessionOptions();
                var time = services.GetService<TimeProvider>();
                return id => Props.Create(() => new SessionActor(id, kept, time, registry));
            },
            ShardingDefaults.Extractor<ISessionMessage>(message => message.SessionId),
            ShardingDefaults.Options);
}
