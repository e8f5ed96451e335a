using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Micropayments;

/// <summary>Wires payment channels into a peer.</summary>
public static class MicropaymentsExtensions
{
    /// <summary>
    /// Registers <see cref="ActorKeys.PayerChannels"/>, <see cref="ActorKeys.PayeeChannels"/> and <see cref="ActorKeys.Channels"/>,
    /// and serves <c>channel.*</c>. Call it after the engine. Needs <see cref="PeerOptions"/>,
    /// <see cref="PeerIdentity"/>, <see cref="TimeProvider"/> and <see cref="IRpc"/> among the services.
    /// </summary>
    public static AkkaConfigurationBuilder WithMicropayments(this AkkaConfigurationBuilder builder) => builder.WithMicropayments(new PayerTimes());

    /// <summary>As above, with other times to wait.</summary>
    internal static AkkaConfigurationBuilder WithMicropayments(this AkkaConfigurationBuilder builder, PayerTimes times) => builder
        .WithJournalFormat("hyperspace-micropayments", SerializerIds.Micropayments, ChannelJournal.Format)
        .WithShardRegion<ActorKeys.Channels>(
            "channel-list",
            (_, registry, resolver) => _ => Props.Create(() => new ChannelListActor(registry, resolver.GetService<PeerOptions>())),
            ShardingDefaults.Extractor<object>(_ => ChannelListActor.EntityId),
            ShardingDefaults.Options)
        .WithShardRegion<ActorKeys.PayerChannels>(
            "payer-channels",
            (_, registry, resolver) =>
            {
                var payer = new Payer(
                    resolver.GetService<PeerIdentity>(), new PayeeClient(resolver.GetService<IRpc>(), times.CallDeadline),
                    new EscrowTransactions(registry, resolver.GetService<IChains>(), resolver.GetService<PeerIdentity>().Wallet), resolver.GetService<PeerOptions>().ChannelDepositMicro,
                    resolver.GetService<PeerOptions>().VoucherWindow, resolver.GetService<TimeProvider>(), times, static () => RandomNumberGenerator.GetBytes(32));
                return key => Props.Create(() => new PayerChannelActor(key, payer, registry));
            },
            ShardingDefaults.Extractor<IPayerChannelMessage>(message => message.ChannelKey),
            ShardingDefaults.Options)
        .WithShardRegion<ActorKeys.PayeeChannels>(
            "payee-channels",
            (_, registry, resolver) =>
            {
                var identity = resolver.GetService<PeerIdentity>();
                var payee = new Payee(identity.PeerId.ToString(), MutualCredit.AllTermsOf(identity, resolver.GetService<PeerOptions>()), resolver.GetService<IChains>(), new EscrowTransactions(registry, resolver.GetService<IChains>(), identity.Wallet));
                return id => Props.Create(() => new PayeeChannelActor(id, payee, registry));
            },
            ShardingDefaults.Extractor<IPayeeChannelMessage>(message => message.ChannelId),
            ShardingDefaults.Options)
        .WithActors((_, registry, resolver) =>
        {
            var identity = resolver.GetService<PeerIdentity>();
            new ChannelRpc(registry.Get<ActorKeys.PayeeChannels>(), MutualCredit.AllTermsOf(identity, resolver.GetService<PeerOptions>()), identity.Binding).Register(resolver.GetService<IRpc>());
        });
}
