using System.Text.Json.Nodes;
using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Actors.State;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Host;
using Hyperspace.Tests.CommandLine;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Interop;

/// <summary>Our peer pays servers that know nothing of it, on chain, to the unit.</summary>
public sealed class PayServersTests(AnvilPartner anvil) : IClassFixture<AnvilPartner>
{
    private const ulong Given = 5_000;

    [SkippableTheory]
    [InlineData("mppx-server.mjs", "mpp")]
    [InlineData("x402-server.mjs", "x402")]
    public async Task A_peer_pays_an_unmodified_server(string script, string wire)
    {
        var chain = await anvil.ChainAsync(808080);
        await using var server = await PayServerPartner.StartAsync(script, chain);
        var payer = ChannelPair.Identity((byte)(0x40 + wire.Length));
        await using var engine = await EngineFixture.StartAsync(
            builder => builder.WithSessions().WithFetch(),
            services => services.AddSingleton(payer).AddSingleton<IChains>(new OneChain(chain)),
            options => options with { Chains = [chain.Options] });
        var session = await engine.Get<ActorKeys.Sessions>().Ask<SessionView>(new SessionCommands.Begin("ses", null, Amount.MicroUsdc(2_500), null), EngineFixture.Timeout);
        var before = (await chain.TokensOfAsync(payer.Wallet.Address), await chain.TokensOfAsync(server.Recipient));

        // Without tokens the payment is refused, and nothing moves.
        var poor = await FetchAsync("poor");
        Assert.NotEqual(FetchPayment.Paid, (poor as FetchResponse)?.Payment);
        await chain.GiveAsync(payer.Wallet.Address, Given);

        // One is paid; the budget, of which the payment that failed still holds a part, does not reach for another.
        var paid = Assert.IsType<FetchResponse>(await FetchAsync("one"));
        Assert.Equal((200, "42", FetchPayment.Paid, wire), (paid.Status, paid.Body, paid.Payment, paid.Receipt!.Wire));
        var receipt = await chain.AskAsync("eth_getTransactionReceipt", paid.Receipt.Reference!);
        Assert.Equal("0x1", receipt.GetProperty("status").GetString());

        Assert.Equal(before.Item1 + Given - 1000, await chain.TokensOfAsync(payer.Wallet.Address));
        Assert.Equal(before.Item2 + 1000, await chain.TokensOfAsync(server.Recipient));
        var budget = (await engine.Get<ActorKeys.Sessions>().Ask<SessionView>(new SessionCommands.Get(session.Id), EngineFixture.Timeout)).Budget;
        Assert.Equal((1000UL, 1000UL), (budget.Spent.MicroUnits, budget.Reserved.MicroUnits));
        Assert.IsType<Refusal>(await FetchAsync("two"));
        Assert.Equal(before.Item2 + 1000, await chain.TokensOfAsync(server.Recipient));

        Task<object> FetchAsync(string key) => engine.Get<ActorKeys.Fetches>().Ask<object>(
            new FetchCommands.Fetch("ses", server.Url.ToString(), "GET", new Dictionary<string, string>(), null, Amount.MicroUsdc(1_000), key, TimeSpan.FromSeconds(30)), TimeSpan.FromSeconds(60));
    }

    [SkippableFact]
    public async Task The_fetch_verb_of_a_whole_peer_pays_and_says_so()
    {
        var chain = await anvil.ChainAsync(808080);
        await using var server = await PayServerPartner.StartAsync("mppx-server.mjs", chain);
        var directory = Directory.CreateTempSubdirectory("hyperspace-fetch-");
        try
        {
            await using var peer = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = directory.FullName, Chains = [chain.Options] }, apiPort: 0, CancellationToken.None);
            await chain.GiveAsync(IdentityStore.LoadOrCreate(directory.FullName, TimeProvider.System).Wallet.Address, Given);
            var before = await chain.TokensOfAsync(server.Recipient);

            var dear = await Cli.RunAsync(null, "fetch", server.Url.ToString(), "--data", directory.FullName, "--max-price", "0.000999");
            Assert.Equal(1, dear.ExitCode);
            Assert.Contains("PAYMENT_REQUIRED", dear.Errors, StringComparison.Ordinal);
            Assert.Equal(before, await chain.TokensOfAsync(server.Recipient));

            var told = await Cli.RunAsync(null, "fetch", server.Url.ToString(), "--data", directory.FullName, "--max-price", "0.001", "--json");
            Assert.Equal((0, ""), (told.ExitCode, told.Errors));
            var result = JsonNode.Parse(told.Output)!;
            Assert.Equal(("42", "paid", "mpp"), (result["body"]!.GetValue<string>(), result["payment"]!.GetValue<string>(), result["receipt"]!["wire"]!.GetValue<string>()));
            Assert.Equal(before + 1000, await chain.TokensOfAsync(server.Recipient));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private sealed class OneChain(LocalChain chain) : IChains
    {
        public IReadOnlyList<ChainOptions> All => [chain.Options];

        public IChainReader? Find(ulong chainId) => chainId == chain.Options.ChainId ? chain.Reader : null;
    }
}
