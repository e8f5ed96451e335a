using System.Text;
using System.Text.Json;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Host;
using Hyperspace.Tests.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Interop;

/// <summary>Unmodified clients of others pay a whole peer over HTTP, and what they paid arrives on chain, to the unit.</summary>
public sealed class PayInteropTests(PayClients clients) : IClassFixture<PayClients>, IAsyncLifetime
{
    private const ulong ChainId = 808080;
    private const ulong Funds = 10_000;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-test-");
    private LocalChain? _chain;
    private PeerProcess? _peer;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await (_peer?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_chain?.DisposeAsync() ?? ValueTask.CompletedTask);
        _directory.Delete(recursive: true);
    }

    [SkippableTheory]
    [InlineData("mppx")]
    [InlineData("x402")]
    public async Task An_unmodified_client_pays_and_it_arrives_on_chain_to_the_unit(string wire)
    {
        var (chain, peer) = await StartAsync();
        var label = "pay-" + wire;
        var payer = await chain.WalletAsync(label, Funds);
        var wallet = peer.Services.GetRequiredService<PeerIdentity>().Wallet.Address;
        for (var n = 1UL; n <= 2; n++)
        {
            var answer = await clients.RunAsync("pay.mjs", Job(wire, label, chain, new Uri(peer.PayUrl!, "/pay/docs")));
            var body = answer.GetProperty("body").GetString()!;
            Assert.True(answer.GetProperty("status").GetInt32() == 200, body);
            Assert.Contains("lighthouse", body, StringComparison.Ordinal);
            Assert.NotNull(answer.GetProperty(wire == "mppx" ? "receipt" : "response").GetString());

            var charges = peer.Services.GetRequiredService<IReadOnlyActorRegistry>().Get<ActorKeys.Charges>();
            var key = answer.GetProperty("payer").GetString() + ":USDC";
            await charges.Ask<ChargeView>(new ChargeCommands.Settle(key), EngineFixture.Timeout);
            var settle = await Eventually.SeenAsync(
                () => charges.Ask<ChargeView>(new ChargeCommands.Get(key), EngineFixture.Timeout), charge => charge.Settled.MicroUnits >= n * 1500);
            Assert.Equal(new ChargeView(key, (int)n, Amount.MicroUsdc(0), Amount.MicroUsdc(n * 1500), Amount.MicroUsdc(0)), settle);
            Assert.Equal(n * 1500, await chain.TokensOfAsync(wallet));
            Assert.Equal(Funds - (n * 1500), await chain.TokensOfAsync(payer.Address));
        }
    }

    [SkippableFact]
    public async Task A_client_without_the_money_gets_nothing()
    {
        var (chain, peer) = await StartAsync();
        await chain.WalletAsync("poor", 1499);
        var answer = await clients.RunAsync("pay.mjs", Job("mppx", "poor", chain, new Uri(peer.PayUrl!, "/pay/docs")));
        Assert.Equal(402, answer.GetProperty("status").GetInt32());
        Assert.Contains("payment-insufficient", answer.GetProperty("body").GetString(), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task An_unmodified_mppx_session_pays_a_stream_by_the_token_and_gets_the_remainder_back()
    {
        const int Tokens = 20;
        const ulong PerToken = 100;
        const ulong Deposit = 5_000;
        await using var provider = await TokenProvider.StartAsync(Tokens);
        var (chain, peer) = await StartAsync();
        await RegisterAsync(
            peer,
            new ToolDefinition("count", "Counts aloud", ["count"], """{"type":"object"}""", Amount.MicroUsdc(PerToken), PerTokens: 1),
            new ToolProvider("http", JsonSerializer.Serialize(new { url = provider.Url })));
        var payer = await chain.WalletAsync("session", Funds);
        var wallet = peer.Services.GetRequiredService<PeerIdentity>().Wallet.Address;

        var answer = await clients.RunAsync("session.mjs", new
        {
            url = new Uri(peer.PayUrl!, "/pay/count"),
            body = "{}",
            rpc = chain.Options.RpcUrl,
            privateKey = Hex.Of(Keccak256.Hash("session"u8)),
            chainId = ChainId,
            token = Hex.Of(chain.Options.Token.Address.Span),
            escrow = Hex.Of(chain.Options.LegacyEscrow!.Value.Span),
            payee = Hex.Of(wallet.Span),
            deposit = Deposit.ToString(System.Globalization.CultureInfo.InvariantCulture),
        });
        Assert.Equal(Enumerable.Range(1, Tokens).Select(n => $"token {n}"), answer.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!));
        var receipt = answer.GetProperty("receipt");
        Assert.Equal(("2000", "2000", Tokens), (receipt.GetProperty("spent").GetString(), receipt.GetProperty("acceptedCumulative").GetString(), receipt.GetProperty("units").GetInt32()));

        // The first voucher came with the request; each later token asked for one of its own, and the last POST closed.
        Assert.Equal(Tokens, answer.GetProperty("posts").GetInt32());
        await Eventually.TrueAsync(async () => await chain.TokensOfAsync(wallet) != 0);
        Assert.Equal(Tokens * PerToken, await chain.TokensOfAsync(wallet));
        Assert.Equal(Funds - (Tokens * PerToken), await chain.TokensOfAsync(payer.Address));
    }

    private static async Task RegisterAsync(PeerProcess peer, ToolDefinition definition, ToolProvider provider) => Assert.IsType<ToolRegistered>(
        await peer.Services.GetRequiredService<IReadOnlyActorRegistry>().Get<ActorKeys.Tools>().Ask<object>(new ToolCommands.Register(definition, provider), EngineFixture.Timeout));

    private async Task<(LocalChain Chain, PeerProcess Peer)> StartAsync()
    {
        _chain = await LocalChain.StartAsync(ChainId);
        var docs = _directory.CreateSubdirectory("docs");
        await File.WriteAllTextAsync(Path.Combine(docs.FullName, "sea.md"), "# Sea\n\nThe lighthouse is lit at dusk.\n");
        _peer = await PeerProcess.StartAsync(
            new PeerOptions
            {
                DataDirectory = Path.Combine(_directory.FullName, "peer"),
                Chains = [_chain.Options],
                Pay = new PayOptions { Listen = new(System.Net.IPAddress.Loopback, 0) },
            },
            apiPort: 0,
            default);
        await _chain.GiveAsync(_peer.Services.GetRequiredService<PeerIdentity>().Wallet.Address, 0);
        await RegisterAsync(
            _peer,
            new ToolDefinition("docs", "Searches the docs", ["search"], """{"type":"object","properties":{"query":{"type":"string"}},"required":["query"]}""", Amount.MicroUsdc(1500)),
            new ToolProvider("builtin", JsonSerializer.Serialize(new { tool = "docs-search", folder = docs.FullName })));
        return (_chain, _peer);
    }

    private static object Job(string wire, string label, LocalChain chain, Uri url) => new
    {
        wire,
        url,
        body = """{"query":"lighthouse"}""",
        privateKey = Hex.Of(Keccak256.Hash(Encoding.UTF8.GetBytes(label))),
        chainId = ChainId,
        token = Hex.Of(chain.Options.Token.Address.Span),
        name = chain.Options.Token.Name,
        version = chain.Options.Token.Version,
    };
}
