using System.Net;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>Wires charges into a peer.</summary>
public static class ChargeExtensions
{
    private static readonly TimeSpan WakeTimeout = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Registers <see cref="ActorKeys.Charges"/> and <see cref="ActorKeys.ChargedPayers"/>, and wakes at the start the charges that
    /// were left open, also when this peer sells nothing any more. Needs <see cref="PeerOptions"/> and <see cref="TimeProvider"/> among
    /// the services, and <see cref="ActorKeys.Chain"/> in the registry once something is to be settled.
    /// </summary>
    public static AkkaConfigurationBuilder WithCharges(this AkkaConfigurationBuilder builder, PeerOptions options) => builder.WithCharges(options, new ChargeTimes());

    /// <summary>As above, with other times to wait.</summary>
    internal static AkkaConfigurationBuilder WithCharges(this AkkaConfigurationBuilder builder, PeerOptions options, ChargeTimes times) => builder
        .WithJournalFormat("hyperspace-charge", SerializerIds.Charge, ChargeJournal.Format)
        .WithShardRegion<ActorKeys.ChargedPayers>(
            "charged-payers",
            (_, registry, _) => _ => Props.Create(() => new ChargedPayersActor(registry)),
            ShardingDefaults.Extractor<object>(_ => ChargedPayersActor.EntityId),
            ShardingDefaults.Options)
        .WithShardRegion<ActorKeys.Charges>(
            "charges",
            (_, registry, resolver) =>
            {
                var pay = options.Pay ?? new PayOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0) };
                var time = resolver.GetService<TimeProvider>();
                return key => Props.Create(() => new ChargeActor(key, pay, times, time, registry));
            },
            ShardingDefaults.Extractor<IChargeMessage>(message => message.PayerKey),
            ShardingDefaults.Options)
        .AddStartup((_, registry) => options.Chains.Count == 0 ? Task.CompletedTask : WakeAsync(registry.Get<ActorKeys.ChargedPayers>()));

    // Waited for, so that a peer that says it is ready has its regions at work.
    private static Task WakeAsync(IActorRef payers) => payers.Ask<ChargedPayers>(new ChargedPayerCommands.Wake(), WakeTimeout);
}
