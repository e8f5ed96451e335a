using System.Diagnostics;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Watch;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Interop;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Micropayments.Watch;

/// <summary>A payee that sleeps loses nothing: what was accepted is claimed at a threshold, and when the payer asks to close.</summary>
public sealed class ChannelWatchTests
{
    private const ulong ChainId = 808080;
    private static readonly ChannelWatch Quick = new() { Interval = TimeSpan.FromMilliseconds(50), SettleAtMicro = 500 };

    [Theory]
    [InlineData(true, ChannelPhase.Open, 499UL, 0UL, 0UL, 0)]
    [InlineData(true, ChannelPhase.Open, 500UL, 0UL, 0UL, 2)]
    [InlineData(true, ChannelPhase.Open, 900UL, 401UL, 0UL, 0)]
    [InlineData(true, ChannelPhase.Open, 900UL, 400UL, 0UL, 2)]
    [InlineData(true, ChannelPhase.Open, 100UL, 900UL, 0UL, 0)]
    [InlineData(true, ChannelPhase.Open, 900UL, 0UL, 7UL, 1)]
    [InlineData(true, ChannelPhase.Open, 0UL, 0UL, 7UL, 1)]
    [InlineData(true, ChannelPhase.Closing, 900UL, 0UL, 7UL, 1)]
    [InlineData(true, ChannelPhase.Closing, 900UL, 0UL, 0UL, 0)]
    [InlineData(true, ChannelPhase.Closed, 900UL, 0UL, 7UL, 0)]
    [InlineData(false, ChannelPhase.Open, 900UL, 0UL, 7UL, 0)]
    public void What_is_done_follows_from_how_the_channel_stands(bool onChain, ChannelPhase phase, ulong accepted, ulong settled, ulong closeRequestedAt, int step)
    {
        var view = new PayeeChannelView("0x", "p", phase == ChannelPhase.Open, Amount.MicroUsdc(1000), Amount.MicroUsdc(accepted), Amount.MicroUsdc(0), 1, false, Amount.MicroUsdc(0))
        {
            OnChain = onChain,
            Phase = phase,
            Settled = Amount.MicroUsdc(settled),
            CloseRequestedAt = closeRequestedAt,
        };
        Assert.Equal((WatchStep)step, Quick.Decide(view));
    }

    [SkippableFact]
    public async Task What_was_accepted_is_settled_at_the_threshold_and_once()
    {
        await using var on = await Payee.StartAsync("threshold");
        await on.TakeAsync(499);
        await on.LookedAsync();
        Assert.Equal(0, await on.Channel.TokensOfPayee());
        await on.TakeAsync(700);
        await Eventually.TrueAsync(async () => await on.Channel.TokensOfPayee() == 700);
        await on.TakeAsync(1100);
        await on.LookedAsync();
        await on.Engine.RestartAsync();
        await on.LookedAsync();
        Assert.Equal(700, await on.Channel.TokensOfPayee());
        await on.TakeAsync(1200);
        await Eventually.TrueAsync(async () => await on.Channel.TokensOfPayee() == 1200);
        Assert.Equal(2UL, await on.Channel.Chain.Node.TransactionCountAsync(on.Wallet.Address, pending: true, default));
    }

    [SkippableFact]
    public async Task When_the_payer_asks_to_close_all_that_was_accepted_is_claimed_and_the_rest_refunded()
    {
        await using var on = await Payee.StartAsync("closing");
        await on.TakeAsync(321);
        await on.Channel.PayerSends(EscrowCalls.RequestClose(on.Channel.Id));
        await Eventually.TrueAsync(async () => (await on.Channel.ChannelAsync()).Finalized);
        Assert.Equal(321, await on.Channel.TokensOfPayee());
        Assert.Equal(on.Channel.FundedWith - 321, await on.Channel.TokensOfPayer());
        await Eventually.TrueAsync(async () => await on.ViewAsync() is { Phase: ChannelPhase.Closed, Settled.MicroUnits: 321, Refunded.MicroUnits: 4_679 });
    }

    [SkippableFact]
    public async Task A_payer_that_asks_to_close_while_the_payee_sleeps_still_pays()
    {
        await using var on = await Payee.StartAsync("asleep");
        await on.TakeAsync(400);
        await on.Engine.StopAsync();
        await on.Channel.PayerSends(EscrowCalls.RequestClose(on.Channel.Id));
        await on.Channel.Chain.AdvanceAsync(TimeSpan.FromMinutes(10));
        await on.Engine.StartAgainAsync();
        await Eventually.TrueAsync(async () => (await on.Channel.ChannelAsync()).Finalized);
        Assert.Equal(400, await on.Channel.TokensOfPayee());
    }

    /// <summary>A peer with one channel in the escrow that pays it.</summary>
    internal sealed record Payee(EngineFixture Engine, EscrowChannelFixture Channel, Secp256k1Wallet Wallet) : IAsyncDisposable
    {
        private string Id => ChannelIds.ToText(Channel.Id);

        private string PayerId => ChannelIds.PayerOf(ChainId, Channel.Payer.Address.Span);

        public static async Task<Payee> StartAsync(string label, ulong deposit = 5_000)
        {
            var chain = await LocalChain.StartAsync(ChainId);
            var channel = await EscrowChannelFixture.OpenAsync(chain, label, deposit);
            var identity = IdentityOf(channel.Payee);
            var engine = await EngineFixture.StartAsync(
                builder => builder.WithChains(new ChainTimes { Interval = TimeSpan.FromMilliseconds(50) }).WithMicropayments().WithChannelsOnChain(
                    new PeerOptions { DataDirectory = "", Chains = [chain.Options] }, Quick, TimeSpan.FromMilliseconds(50)),
                services => services.AddSingleton(identity).AddSingleton(new LoopbackNetwork().Join(identity.PeerId)).AddChains(),
                options => options with { Chains = [chain.Options] });
            var payee = new Payee(engine, channel, channel.Payee);
            Assert.IsType<PayeeChannelView>(await payee.AskAsync(new PayeeChannelCommands.OpenOnChain(payee.Id, ChainId, ChannelDomain.Native)));
            return payee;
        }

        public Task<object> AskAsync(object message) => Engine.Get<ActorKeys.PayeeChannels>().Ask<object>(message, EngineFixture.Timeout);

        public async Task TakeAsync(ulong cumulative) => Assert.IsType<VoucherAccepted>(await AskAsync(new PayeeChannelCommands.Take(
            Id, PayerId, new Voucher { ChannelId = ByteString.CopyFrom(Channel.Id), CumulativeMicro = cumulative, Signature = ByteString.CopyFrom(Channel.Voucher(cumulative)) })));

        public async Task<PayeeChannelView> ViewAsync() => (PayeeChannelView)await AskAsync(new PayeeChannelCommands.Get(Id, null));

        /// <summary>The watch has looked a few times.</summary>
        public async Task LookedAsync()
        {
            var watch = Engine.Get<ActorKeys.ChannelWatch>();
            for (var i = 0; i < 3; i++)
            {
                await watch.Ask<ActorIdentity>(new Identify(i), EngineFixture.Timeout);
                await AskAsync(new PayeeChannelCommands.Refresh(Id));
                await Task.Delay(Quick.Interval);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Engine.DisposeAsync();
            await Channel.Chain.DisposeAsync();
        }

        private static PeerIdentity IdentityOf(Secp256k1Wallet wallet)
        {
            var keys = ChannelPair.Payee.Keys;
            return new PeerIdentity(keys, wallet, IdentityBindings.Create(keys, wallet, DateTimeOffset.UnixEpoch.AddDays(20_000)));
        }
    }
}
