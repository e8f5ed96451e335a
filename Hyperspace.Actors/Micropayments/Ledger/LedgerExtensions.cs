using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Wires the ledger into a peer.</summary>
public static class LedgerExtensions
{
    /// <summary>
    /// Registers <see cref="ActorKeys.Ledger"/>. Call it after the engine, the channels and, if there is a mesh, after
    /// <see cref="ActorKeys.Gossip"/> is registered. Needs <see cref="PeerOptions"/>, <see cref="PeerIdentity"/>,
    /// <see cref="HybridClock"/> and <see cref="TimeProvider"/> among the services. Set <see cref="Settlements.Validator"/> on
    /// the mesh for <see cref="Topics.Settlements"/>.
    /// </summary>
    public static AkkaConfigurationBuilder WithLedger(this AkkaConfigurationBuilder builder) => builder
        .WithJournalFormat("hyperspace-ledger", SerializerIds.Ledger, LedgerJournal.Format)
        .WithShardRegion<ActorKeys.Ledger>(
            "ledger",
            (_, registry, resolver) =>
            {
                var services = new LedgerServices(
                    resolver.GetService<PeerOptions>(), resolver.GetService<PeerIdentity>(), resolver.GetService<HybridClock>(), resolver.GetService<TimeProvider>());
                return _ => Props.Create(() => new LedgerActor(services, registry));
            },
            ShardingDefaults.Extractor<object>(_ => LedgerActor.EntityId),
            ShardingDefaults.Options)
        .WithActors((system, registry, _) =>
        {
            var ledger = registry.Get<ActorKeys.Ledger>();
            system.ActorOf(Props.Create(() => new LedgerWaker(ledger)), "ledger-waker");
        });

    /// <summary>Keeps the ledger awake: also when nobody asks, its rounds are closed, and those of others heard.</summary>
    private sealed class LedgerWaker : ReceiveActor, IWithTimers
    {
        private static readonly TimeSpan WakeInterval = TimeSpan.FromMinutes(1);

        // By then sharding has settled: a message that waits for it when the peer stops early would only be warned about.
        private static readonly TimeSpan FirstWake = TimeSpan.FromSeconds(1);

        public LedgerWaker(IActorRef ledger) => Receive<LedgerCommands.Wake>(ledger.Tell);

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer(nameof(LedgerCommands.Wake), new LedgerCommands.Wake(), FirstWake, WakeInterval);
    }
}
