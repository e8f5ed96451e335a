using System.Numerics;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Identity;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;
using Hyperspace.Tests.Loop;

namespace Hyperspace.Tests.Interop;

/// <summary>
/// A peer that sells a tool over HTTP and one that buys it, as processes of their own on one local chain, with data directories
/// that outlive them.
/// </summary>
internal sealed class ShopPair : IAsyncDisposable
{
    public const decimal Price = 0.001m;

    /// <summary>Has the seller settle each payment at once.</summary>
    public static readonly IReadOnlyList<string> AtOnce = ["--pay-settle-at", "0.001"];

    /// <summary>Has the seller settle each payment a few seconds after it was served.</summary>
    public static readonly IReadOnlyList<string> Later = ["--pay-settle-after", "3"];

    private const ulong ChainId = 808080;
    private const ulong Given = 1_000_000;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-shop-");
    private readonly string _shop = $"127.0.0.1:{PaidPair.FreePort()}";
    private readonly LocalChain _chain;

    private ShopPair(LocalChain chain, CountingTool tool) => (_chain, Tool) = (chain, tool);

    public CountingTool Tool { get; }

    public ChildPeer Seller { get; private set; } = null!;

    public ChildPeer Buyer { get; private set; } = null!;

    private string SellerData => Path.Combine(_directory.FullName, "seller");

    private string BuyerData => Path.Combine(_directory.FullName, "buyer");

    /// <summary>Starts both, or skips the test where there can be no chain.</summary>
    public static async Task<ShopPair> StartAsync()
    {
        var pair = new ShopPair(await LocalChain.StartAsync(ChainId), await CountingTool.StartAsync());
        foreach (var data in (string[])[pair.SellerData, pair.BuyerData])
        {
            Directory.CreateDirectory(data);
            await File.WriteAllTextAsync(Path.Combine(data, "chains.json"), pair._chain.ChainsFile);
        }

        // The seller pays for the gas.
        await pair._chain.GiveAsync(WalletOf(pair.SellerData).Address, 0);
        await pair._chain.GiveAsync(WalletOf(pair.BuyerData).Address, Given);
        await pair.StartSellerAsync(AtOnce);
        await pair.StartBuyerAsync();
        await pair.Seller.Api.CallAsync("tool.register", new JsonObject
        {
            ["name"] = "count",
            ["description"] = "Counts how often it served.",
            ["capabilities"] = new JsonArray("count"),
            ["inputSchema"] = new JsonObject { ["type"] = "object" },
            ["price"] = Price,
            ["provider"] = new JsonObject { ["type"] = "http", ["url"] = pair.Tool.Url.ToString() },
        });
        return pair;
    }

    public async Task StartSellerAsync(IReadOnlyList<string> settling, string? fault = null) => Seller = await ChildPeer.StartAsync(
        new ChildPeerOptions("seller", SellerData, Arguments: ["--pay-listen", _shop, .. settling], Fault: fault), CancellationToken.None);

    public async Task StartBuyerAsync(string? fault = null) => Buyer = await ChildPeer.StartAsync(new ChildPeerOptions("buyer", BuyerData, Fault: fault), CancellationToken.None);

    public async Task<string> BeginAsync() =>
        (await Buyer.Api.CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = 1 } }))!["id"]!.GetValue<string>();

    /// <summary>The answer's status, or why there is none.</summary>
    public async Task<string> FetchAsync(string sessionId, string key)
    {
        try
        {
            var answer = await Buyer.Api.CallAsync("micropayments.fetch", new JsonObject
            {
                ["url"] = $"http://{_shop}/pay/count",
                ["method"] = "POST",
                ["body"] = new JsonObject { ["number"] = 1 },
                ["sessionId"] = sessionId,
                ["maxPrice"] = Price,
                ["idempotencyKey"] = key,
                ["timeoutMs"] = 10_000,
            });
            return $"{answer!["status"]} {answer["payment"]}";
        }
        catch (CommandException e)
        {
            return $"{e.Code}: {e.Message}";
        }
    }

    /// <summary>What a session has spent and set aside.</summary>
    public async Task<(decimal Spent, decimal Reserved)> BudgetAsync(string sessionId)
    {
        var budget = (await Buyer.Api.CallAsync("state.get", new JsonObject { ["sessionId"] = sessionId }))!["budget"]!;
        return (budget["spent"]!.GetValue<decimal>(), budget["reserved"]!.GetValue<decimal>());
    }

    /// <summary>Token units of both on chain.</summary>
    public async Task<(BigInteger Buyer, BigInteger Seller)> TokensAsync() =>
        (await _chain.TokensOfAsync(WalletOf(BuyerData).Address), await _chain.TokensOfAsync(WalletOf(SellerData).Address));

    /// <summary>What the seller's ledger says that it has earned, and that is owed to it by those who are not settled with.</summary>
    public async Task<(decimal Earned, decimal Owed)> BooksAsync()
    {
        var accounts = (await Seller.Api.CallAsync("ledger.balances"))!["balances"]!.AsArray();
        decimal Sum(string prefix) => accounts.Where(a => a!["account"]!.GetValue<string>().StartsWith(prefix, StringComparison.Ordinal)).Sum(a => a!["balance"]!.GetValue<decimal>());
        return (-Sum("income"), Sum("peer:"));
    }

    /// <summary>Moves the buyer's tokens away, so that nothing it signed can be settled.</summary>
    public async Task<ulong> TakeTokensAsync()
    {
        var (wallet, held) = (WalletOf(BuyerData), (await TokensAsync()).Buyer);
        Assert.True((await _chain.SendAsync(wallet, _chain.Options.Token.Address, TokenCalls.Transfer(new byte[19].Append((byte)7).ToArray(), held))).Succeeded);
        return (ulong)held;
    }

    public Task GiveTokensAsync(ulong units) => _chain.GiveAsync(WalletOf(BuyerData).Address, units);

    public Task UntilAsync(string what, Func<Task<bool>> holds) => Eventually.TrueOfAsync(what, holds, (nameof(Buyer), Buyer), (nameof(Seller), Seller));

    public async ValueTask DisposeAsync()
    {
        await Buyer.DisposeAsync();
        await Seller.DisposeAsync();
        await Tool.DisposeAsync();
        await _chain.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static IWallet WalletOf(string data) => IdentityStore.LoadOrCreate(data, TimeProvider.System).Wallet;
}
