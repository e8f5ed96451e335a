using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Interop;

/// <summary>A channel between two peers whose deposit lies in the escrow of a real EVM, from the authorization to the refund.</summary>
public class ChannelOnChainTests
{
    private const ulong Tokens = 10_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [SkippableFact]
    public async Task A_channel_is_funded_paid_over_topped_up_and_closed_to_the_unit()
    {
        await using var chain = await LocalChain.StartAsync(808080);
        await chain.GiveAsync(ChannelPair.Payer.Wallet.Address, Tokens);
        await chain.GiveAsync(ChannelPair.Payee.Wallet.Address, 0);
        var network = new LoopbackNetwork();
        await using var payer = await StartAsync(ChannelPair.Payer, chain, network);
        await using var payee = await StartAsync(ChannelPair.Payee, chain, network);
        var channels = payer.Get<ActorKeys.PayerChannels>();

        var opened = Expect<PayerChannelView>(await channels.Ask<object>(
            new PayerChannelCommands.Open(ChannelPair.Key, ChannelPair.Payee.PeerId.ToString(), Amount.MicroUsdc(3_000_000), chain.Options.ChainId), Patience));
        Assert.Equal((3_000_000UL, true), (opened.Deposit.MicroUnits, opened.OnChain));
        Assert.Equal(Tokens - 3_000_000, await chain.TokensOfAsync(ChannelPair.Payer.Wallet.Address));

        await SendAsync("a", 2_500_000);
        Assert.Equal(5_000_000UL, Expect<PayerChannelView>(await channels.Ask<object>(new PayerChannelCommands.TopUp(ChannelPair.Key, 5_000_000), Patience)).Deposit.MicroUnits);
        await SendAsync("b", 1_000_001);
        await payer.RestartAsync();
        await payee.RestartAsync();
        channels = payer.Get<ActorKeys.PayerChannels>();

        Expect<PayerChannelView>(await channels.Ask<object>(new PayerChannelCommands.Close(ChannelPair.Key), Patience));
        await Eventually.TrueAsync(async () =>
            Assert.Single((await payer.Get<ActorKeys.Channels>().Ask<ChannelTotals>(new GetChannelTotals(), EngineFixture.Timeout)).Paying).Phase == ChannelPhase.Closed);
        var paid = Assert.Single((await payer.Get<ActorKeys.Channels>().Ask<ChannelTotals>(new GetChannelTotals(), EngineFixture.Timeout)).Paying);
        var received = Assert.Single((await payee.Get<ActorKeys.Channels>().Ask<ChannelTotals>(new GetChannelTotals(), EngineFixture.Timeout)).Receiving);
        Assert.Equal((3_500_001UL, 1_499_999UL), (paid.Settled.MicroUnits, paid.Refunded.MicroUnits));
        Assert.Equal((ChannelPhase.Closed, 3_500_001UL, 1_499_999UL, 3_500_001UL), (received.Phase, received.Settled.MicroUnits, received.Refunded.MicroUnits, received.Spent.MicroUnits));
        Assert.Equal(3_500_001, await chain.TokensOfAsync(ChannelPair.Payee.Wallet.Address));
        Assert.Equal(Tokens - 3_500_001, await chain.TokensOfAsync(ChannelPair.Payer.Wallet.Address));

        async Task SendAsync(string requestId, ulong amountMicro) => Assert.Equal(
            new PaymentSettled(ChannelPair.Key, requestId, PaymentOutcome.Accepted, Amount.MicroUsdc(amountMicro)),
            await channels.Ask<object>(new PayerChannelCommands.Send(ChannelPair.Key, requestId, Amount.MicroUsdc(amountMicro)), Patience));
    }

    private static T Expect<T>(object reply) => reply is T expected ? expected : throw new Xunit.Sdk.XunitException($"Answered with {reply}");

    private static Task<EngineFixture> StartAsync(PeerIdentity identity, LocalChain chain, LoopbackNetwork network) => EngineFixture.StartAsync(
        builder => builder.WithChains(new ChainTimes { Interval = TimeSpan.FromMilliseconds(50) }).WithMicropayments(new PayerTimes { MinBackoff = TimeSpan.FromMilliseconds(100), MaxBackoff = TimeSpan.FromMilliseconds(500) }),
        services => services.AddSingleton(identity).AddSingleton<IRpc>(_ => network.Join(identity.PeerId)).AddChains(),
        options => options with { Chains = [chain.Options], MaxCreditMicro = 0 });
}
