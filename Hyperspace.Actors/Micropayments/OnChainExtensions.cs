using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Bridge;
using Hyperspace.Actors.Micropayments.Watch;

namespace Hyperspace.Actors.Micropayments;

/// <summary>Wires what channels on chain need besides themselves into a peer.</summary>
public static class OnChainExtensions
{
    private static readonly TimeSpan TransferInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Registers <see cref="ActorKeys.ChannelWatch"/>, if <paramref name="options"/> has a chain, and <see cref="ActorKeys.Transfers"/>. Call it
    /// after the channels. Needs <see cref="IChains"/>, <see cref="PeerIdentity"/> and <see cref="TimeProvider"/> among the services.
    /// </summary>
    public static AkkaConfigurationBuilder WithChannelsOnChain(this AkkaConfigurationBuilder builder, PeerOptions options) =>
        builder.WithChannelsOnChain(options, new ChannelWatch { SettleAtMicro = options.SettleChannelAtMicro }, TransferInterval);

    /// <summary>As above, with other times to wait.</summary>
    internal static AkkaConfigurationBuilder WithChannelsOnChain(this AkkaConfigurationBuilder builder, PeerOptions options, ChannelWatch watch, TimeSpan transferInterval)
    {
        builder
            .WithJournalFormat("hyperspace-bridge", SerializerIds.Bridge, TransferFormat.Format)
            .WithSingleton<ActorKeys.Transfers>(
                "channel-transfers",
                (_, registry, resolver) => Supervision.AgainAfterStop(
                    Props.Create(() => new TransferActor(
                        registry, resolver.GetService<IChains>(), resolver.GetService<PeerIdentity>().Wallet.Address, transferInterval, resolver.GetService<TimeProvider>())),
                    "transfers",
                    JournalRefusals.Payments));
        return options.Chains.Count == 0
            ? builder
            : builder.WithSingleton<ActorKeys.ChannelWatch>(
                "channel-watch", (_, registry, resolver) => Props.Create(() => new ChannelWatchActor(registry, resolver.GetService<PeerIdentity>().PeerId.ToString(), watch)));
    }
}
