using System.Diagnostics;
using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Interop;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Chain;

/// <summary>The chain actor against anvil. What it sends are mints, so a balance tells how often each was executed.</summary>
public sealed class ChainActorTests
{
    private static readonly byte[] Minted = Enumerable.Repeat((byte)0xaa, 20).ToArray();

    private static readonly ChainTimes Quick = new() { Interval = TimeSpan.FromMilliseconds(20), ResendAfter = TimeSpan.FromMilliseconds(100), BumpAfter = TimeSpan.FromHours(1) };

    [SkippableFact]
    public async Task A_wish_is_executed_once_however_often_it_is_made()
    {
        await using var on = await StartAsync(confirmations: 2);
        var first = await on.SubmitAsync("a");
        Assert.Equal(ChainIntentStatus.Pending, first.Status);
        await on.SubmitAsync("a");
        await on.MineUntilAsync("a");
        var view = await on.AwaitAsync("a");
        Assert.Equal(ChainIntentStatus.Confirmed, view.Status);
        Assert.True(view.BlockNumber > 0 && view.GasUsed > 21_000 && ulong.Parse(view.FeeWei!, System.Globalization.CultureInfo.InvariantCulture) > 0);
        Assert.Equal(1, await on.MintedAsync());
        await on.SubmitAsync("a");
        await on.Engine.RestartAsync();
        Assert.Equal(view, await on.SubmitAsync("a"));
        Assert.Equal(1, await on.MintedAsync());
        Assert.Equal(ErrorCodes.Conflict, (await on.AskAsync<Refusal>(on.Submit("a") with { Data = "0x" })).Code);
        Assert.Equal(ErrorCodes.NotFound, (await on.AskAsync<Refusal>(new ChainCommands.Get("b"))).Code);
    }

    [SkippableFact]
    public async Task What_the_contract_refuses_is_rejected_and_costs_nothing()
    {
        await using var on = await StartAsync(confirmations: 0);
        var call = new ChainCommands.Submit("close-1", on.Chain.Options.ChainId, Hex.Of(on.Chain.Options.Escrow!.Value.Span), Hex.Of(EscrowCalls.Close(new byte[32], 1, new byte[65])));
        await on.AskAsync<ChainIntentView>(call);
        var view = await on.AwaitAsync("close-1");
        Assert.Equal((ChainIntentStatus.Rejected, "ChannelNotFound", (string?)null), (view.Status, view.Error, view.TransactionHash));
        await on.SubmitAsync("a");
        Assert.Equal(ChainIntentStatus.Confirmed, (await on.AwaitAsync("a")).Status);
        Assert.Equal(1UL, await on.NonceAsync());
    }

    [SkippableFact]
    public async Task After_a_restart_the_same_bytes_are_on_their_way()
    {
        await using var on = await StartAsync(confirmations: 0);
        await on.Chain.AskAsync("evm_setAutomine", false);
        await on.SubmitAsync("a");
        var hash = (await Eventually.SeenAsync(() => on.AskAsync<ChainIntentView>(new ChainCommands.Get("a")), view => view.TransactionHash is not null)).TransactionHash;
        await Eventually.TrueAsync(async () => await on.IsWaitingAsync(hash!));
        await on.Engine.RestartAsync();
        await on.Chain.AskAsync("anvil_dropTransaction", hash!);
        await Eventually.TrueAsync(async () => await on.IsWaitingAsync(hash!));
        await on.Engine.RestartAsync();
        await on.Chain.MineAsync();
        var view = await on.AwaitAsync("a");
        Assert.Equal((ChainIntentStatus.Confirmed, hash), (view.Status, view.TransactionHash));
        Assert.Equal((1, 1UL), ((int)await on.MintedAsync(), await on.NonceAsync()));
    }

    [SkippableFact]
    public async Task A_transaction_that_is_too_cheap_is_replaced_under_the_same_nonce()
    {
        await using var on = await StartAsync(confirmations: 0, Quick with { BumpAfter = TimeSpan.FromMilliseconds(100) });
        await on.Chain.AskAsync("evm_setAutomine", false);
        await on.SubmitAsync("a");
        var hash = (await Eventually.SeenAsync(() => on.AskAsync<ChainIntentView>(new ChainCommands.Get("a")), view => view.TransactionHash is not null)).TransactionHash;
        await on.Chain.AskAsync("anvil_setNextBlockBaseFeePerGas", "0x1a13b8600");
        var view = await on.MineUntilAsync("a");
        Assert.Equal(ChainIntentStatus.Confirmed, view.Status);
        Assert.NotEqual(hash, view.TransactionHash);
        Assert.Equal((1, 1UL), ((int)await on.MintedAsync(), await on.NonceAsync()));
    }

    [SkippableFact]
    public async Task What_a_reorganisation_takes_back_is_sent_again()
    {
        await using var on = await StartAsync(confirmations: 4);
        await on.Chain.MineAsync(5);
        await on.SubmitAsync("a");
        await Eventually.TrueAsync(async () => await on.MintedAsync() == 1);
        await on.Chain.AskAsync("evm_setAutomine", false);
        await on.Chain.AskAsync("anvil_reorg", 2, Array.Empty<object>());
        var pending = await on.AskAsync<ChainIntentView>(new ChainCommands.Get("a"));
        Assert.Equal(ChainIntentStatus.Pending, pending.Status);
        await Eventually.TrueAsync(async () => await on.IsWaitingAsync(pending.TransactionHash!));
        await on.MineUntilAsync("a");
        Assert.Equal(ChainIntentStatus.Confirmed, (await on.AwaitAsync("a")).Status);
        Assert.Equal((1, 1UL), ((int)await on.MintedAsync(), await on.NonceAsync()));
    }

    [SkippableFact]
    public async Task A_node_that_often_gives_no_answer_gets_each_wish_executed_once()
    {
        await using var on = await StartAsync(confirmations: 1, Quick with { BumpAfter = TimeSpan.FromMilliseconds(50) }, node => new UnclearNode(node));
        var ids = Enumerable.Range(0, 12).Select(i => "mint-" + i).ToList();
        await Task.WhenAll(ids.Select(on.SubmitAsync));
        await on.MineUntilAsync(ids[5]);
        await on.Engine.RestartAsync();
        foreach (var id in ids)
        {
            await on.MineUntilAsync(id);
            Assert.Equal(ChainIntentStatus.Confirmed, (await on.AwaitAsync(id)).Status);
        }

        Assert.Equal((12, 12UL), ((int)await on.MintedAsync(), await on.NonceAsync()));
    }

    [Fact]
    public async Task Without_a_chain_the_answer_says_how_to_configure_one()
    {
        await using var engine = await EngineFixture.StartAsync(builder => builder.WithChains(), services => services.AddSingleton(Identity).AddChains());
        var refusal = await engine.Get<ActorKeys.Chain>().Ask<Refusal>(new ChainCommands.Submit("a", 8453, "0x" + new string('1', 40), "0x"), EngineFixture.Timeout);
        Assert.Equal(ErrorCodes.ChainNotConfigured, refusal.Code);
        Assert.Empty(engine.Services.GetRequiredService<IChains>().All);
    }

    private static PeerIdentity Identity(IServiceProvider services) => IdentityStore.LoadOrCreate(services.GetRequiredService<PeerOptions>().DataDirectory, services.GetRequiredService<TimeProvider>());

    private static async Task<Running> StartAsync(int confirmations, ChainTimes? times = null, Func<IEvmNode, IEvmNode>? wrap = null)
    {
        var chain = await LocalChain.StartAsync(808080, confirmations);
        var engine = await EngineFixture.StartAsync(
            builder => builder.WithChains(times ?? Quick),
            services => services.AddSingleton(Identity).AddSingleton<IEvmNodes>(s => new Wrapped(s.GetRequiredService<EvmChains>(), wrap ?? (node => node))).AddChains(),
            options => options with { Chains = [chain.Options] });
        await chain.GiveAsync(engine.Services.GetRequiredService<PeerIdentity>().Wallet.Address, 0);
        return new Running(chain, engine);
    }

    private sealed record Running(LocalChain Chain, EngineFixture Engine) : IAsyncDisposable
    {
        public ChainCommands.Submit Submit(string id) =>
            new(id, Chain.Options.ChainId, Hex.Of(Chain.Options.Token.Address.Span), Hex.Of(Abi.Call("mint", AbiValue.Address(Minted), AbiValue.UInt256(1))));

        public Task<ChainIntentView> SubmitAsync(string id) => AskAsync<ChainIntentView>(Submit(id));

        public Task<ChainIntentView> AwaitAsync(string id) => AskAsync<ChainIntentView>(new ChainCommands.Await(id, EngineFixture.Timeout));

        public Task<T> AskAsync<T>(object message) => Engine.Get<ActorKeys.Chain>().Ask<T>(message, EngineFixture.Timeout + TimeSpan.FromSeconds(5));

        public async Task<System.Numerics.BigInteger> MintedAsync() => await Chain.TokensOfAsync(Minted);

        public Task<ulong> NonceAsync() => Chain.Node.TransactionCountAsync(Engine.Services.GetRequiredService<PeerIdentity>().Wallet.Address, pending: false, default);

        /// <summary>The node has it, in no block.</summary>
        public async Task<bool> IsWaitingAsync(string hash) =>
            await Chain.AskAsync("eth_getTransactionByHash", hash) is { ValueKind: System.Text.Json.JsonValueKind.Object } transaction
            && transaction.GetProperty("blockNumber").ValueKind == System.Text.Json.JsonValueKind.Null;

        public Task<ChainIntentView> MineUntilAsync(string id) => Eventually.SeenAsync(
            async () =>
            {
                await Chain.MineAsync();
                return await AskAsync<ChainIntentView>(new ChainCommands.Get(id));
            },
            view => view.Status != ChainIntentStatus.Pending);

        public async ValueTask DisposeAsync()
        {
            await Engine.DisposeAsync();
            await Chain.DisposeAsync();
        }
    }

    private sealed class Wrapped(IEvmNodes nodes, Func<IEvmNode, IEvmNode> wrap) : IEvmNodes
    {
        public IEvmNode? NodeOf(ulong chainId) => nodes.NodeOf(chainId) is { } node ? wrap(node) : null;
    }

    /// <summary>Loses some questions, and some answers.</summary>
    private sealed class UnclearNode(IEvmNode node) : IEvmNode
    {
        private static readonly Random Random = new(5);

        public Task<byte[]> CallAsync(ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => node.CallAsync(to, data, cancellationToken);

        public Task<ulong> EstimateGasAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
            node.EstimateGasAsync(from, to, data, cancellationToken);

        public Task<GasPrice> GasPriceAsync(CancellationToken cancellationToken) => node.GasPriceAsync(cancellationToken);

        public Task<ulong> TransactionCountAsync(ReadOnlyMemory<byte> address, bool pending, CancellationToken cancellationToken) => node.TransactionCountAsync(address, pending, cancellationToken);

        public async Task SendRawTransactionAsync(ReadOnlyMemory<byte> raw, CancellationToken cancellationToken)
        {
            int fate;
            lock (Random)
            {
                fate = Random.Next(4);
            }

            if (fate == 0)
            {
                throw new IOException("The question was lost.");
            }

            await node.SendRawTransactionAsync(raw, cancellationToken);
            if (fate == 1)
            {
                throw new IOException("The answer was lost.");
            }
        }

        public Task<EvmReceipt?> ReceiptAsync(ReadOnlyMemory<byte> transactionHash, CancellationToken cancellationToken) => node.ReceiptAsync(transactionHash, cancellationToken);

        public Task<ulong> BlockNumberAsync(CancellationToken cancellationToken) => node.BlockNumberAsync(cancellationToken);

        public Task<byte[]?> BlockHashAsync(ulong number, CancellationToken cancellationToken) => node.BlockHashAsync(number, cancellationToken);
    }
}
