using System.Diagnostics;
using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Watch;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Interop;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Micropayments.Bridge;

/// <summary>A channel between two peers moves from one chain to another: two anvils, real channels on both sides, to the unit.</summary>
public sealed class TransferTests
{
    private const ulong From = 808080;
    private const ulong To = 8453;

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_left_is_refunded_on_one_chain_and_deposited_on_the_other(bool restarts)
    {
        await using var on = await TwoChains.StartAsync();
        var opened = await on.PayerAsync<PayerChannelView>(new PayerChannelCommands.Open(ChannelPair.Key, on.PayeeId, Amount.MicroUsdc(1_000), From));
        Assert.Equal((true, From, 1_000UL), (opened.OnChain, opened.ChainId, opened.Deposit.MicroUnits));
        Assert.Equal(PaymentOutcome.Accepted, (await on.PayerAsync<PaymentSettled>(new PayerChannelCommands.Send(ChannelPair.Key, "a", Amount.MicroUsdc(400)))).Outcome);

        var begun = await on.TransferAsync<ChannelTransferView>(new TransferCommands.Begin(opened.ChannelId!, To));
        Assert.Equal((From, To), (begun.FromChainId, begun.ToChainId));
        if (restarts)
        {
            await on.Payer.RestartAsync();
        }

        var done = await on.UntilOverAsync(opened.ChannelId!);
        Assert.Equal((TransferStep.Done, 600UL, (string?)null), (done.Step, done.Moved.MicroUnits, done.Error));
        Assert.Equal(done, await on.TransferAsync<ChannelTransferView>(new TransferCommands.Begin(opened.ChannelId!, To)));

        Assert.Equal((9_600, 400), ((int)await on.First.TokensOfAsync(ChannelPair.Payer.Wallet.Address), (int)await on.First.TokensOfAsync(ChannelPair.Payee.Wallet.Address)));
        Assert.Equal((9_400, 0), ((int)await on.Second.TokensOfAsync(ChannelPair.Payer.Wallet.Address), (int)await on.Second.TokensOfAsync(ChannelPair.Payee.Wallet.Address)));
        var escrowed = await on.Second.Reader.ChannelAsync(on.Second.Options.Escrow!.Value, ChannelIds.Parse(done.NewChannelId!), default);
        Assert.Equal<UInt128>(600, escrowed!.Deposit);

        // The same two go on over it.
        Assert.Equal(PaymentOutcome.Accepted, (await on.PayerAsync<PaymentSettled>(new PayerChannelCommands.Send(ChannelPair.Key, "b", Amount.MicroUsdc(600), ChannelId: done.NewChannelId))).Outcome);
    }

    [SkippableFact]
    public async Task Without_tokens_on_the_other_chain_nothing_is_closed()
    {
        await using var on = await TwoChains.StartAsync(tokensOnSecond: 500);
        var opened = await on.PayerAsync<PayerChannelView>(new PayerChannelCommands.Open(ChannelPair.Key, on.PayeeId, Amount.MicroUsdc(1_000), From));
        var refusal = await on.TransferAsync<Refusal>(new TransferCommands.Begin(opened.ChannelId!, To));
        Assert.Equal(ErrorCodes.PaymentInsufficient, refusal.Code);
        Assert.Equal(ChannelPhase.Open, (await on.PayerAsync<PayerChannelView>(new PayerChannelCommands.Get(ChannelPair.Key))).Phase);
    }

    private sealed record TwoChains(LocalChain First, LocalChain Second, EngineFixture Payer, EngineFixture Payee) : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        public string PayeeId => ChannelPair.Payee.PeerId.ToString();

        public static async Task<TwoChains> StartAsync(ulong tokensOnSecond = 10_000)
        {
            var (first, second) = (await LocalChain.StartAsync(From, confirmations: 0), await LocalChain.StartAsync(To, confirmations: 0));
            await first.GiveAsync(ChannelPair.Payer.Wallet.Address, 10_000);
            await second.GiveAsync(ChannelPair.Payer.Wallet.Address, tokensOnSecond);
            await first.GiveAsync(ChannelPair.Payee.Wallet.Address, 0);
            await second.GiveAsync(ChannelPair.Payee.Wallet.Address, 0);
            var network = new LoopbackNetwork();
            return new TwoChains(first, second, await PeerAsync(ChannelPair.Payer, network, first, second), await PeerAsync(ChannelPair.Payee, network, first, second));
        }

        public Task<T> PayerAsync<T>(object message) => Payer.Get<ActorKeys.PayerChannels>().Ask<T>(message, Patience);

        public Task<T> TransferAsync<T>(object message) => Payer.Get<ActorKeys.Transfers>().Ask<T>(message, Patience);

        public Task<ChannelTransferView> UntilOverAsync(string channelId) => Eventually.SeenAsync(
            () => TransferAsync<ChannelTransferView>(new TransferCommands.Get(channelId)), view => view.Step is TransferStep.Done or TransferStep.Failed, timeoutSeconds: 60);

        public async ValueTask DisposeAsync()
        {
            await Payer.DisposeAsync();
            await Payee.DisposeAsync();
            await First.DisposeAsync();
            await Second.DisposeAsync();
        }

        private static Task<EngineFixture> PeerAsync(PeerIdentity identity, LoopbackNetwork network, params LocalChain[] chains)
        {
            var options = chains.Select(chain => chain.Options).ToList();
            return EngineFixture.StartAsync(
                builder => builder
                    .WithChains(new ChainTimes { Interval = TimeSpan.FromMilliseconds(50) })
                    .WithMicropayments(new PayerTimes { MinBackoff = TimeSpan.FromMilliseconds(50), MaxBackoff = TimeSpan.FromMilliseconds(200) })
                    .WithChannelsOnChain(new PeerOptions { DataDirectory = "", Chains = options }, new ChannelWatch { Interval = TimeSpan.FromMilliseconds(200) }, TimeSpan.FromMilliseconds(100)),
                services => services.AddSingleton(identity).AddSingleton(network.Join(identity.PeerId)).AddChains(),
                own => own with { Chains = options });
        }
    }
}
