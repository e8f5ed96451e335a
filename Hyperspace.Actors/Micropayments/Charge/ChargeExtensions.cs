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
    /// <summary>
    /// Registers <see cref="ActorKeys.Charges"/> and <see cref="ActorKeys.ChargedPayers"/>, and wakes at the start the charges that
    /// were left open, also when this peer sells nothing any more. Needs <see cref="PeerOptions"/> and <see cref="TimeProvider"/> among
    /// the services, and <see cref="ActorKeys.Chain"/> in the registry once something is to be settled.
    /// </summary>
    public static AkkaConfigurationBuilder WithCharges(this AkkaConfigurationBuilder builder) => builder.WithCharges(new ChargeTimes());

    /// <summary>As above, with other times to wait.</summary>
    internal static AkkaConfigurationBuilder WithCharges(this AkkaConfigurationBuilder builder, ChargeTimes times) => builder
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
                var options = resolver.GetService<PeerOptions>().Pay ?? new PayOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0) };
                var time = resolver.GetService<TimeProvider>();
                return key => Props.Create(() => new ChargeActor(key, options, times, time, registry));
            },
            ShardingDefaults.Extractor<IChargeMessage>(message => message.PayerKey),
            ShardingDefaults.Options)
        .WithActors((_, registry, _) => registry.Get<ActorKeys.ChargedPayers>().Tell(new ChargedPayerCommands.Wake(), ActorRefs.NoSender));
}
