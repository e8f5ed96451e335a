using System.Diagnostics;
using System.Globalization;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Host;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Interop;

/// <summary>
/// Buyer or seller dies at each step of a payment over HTTP as by kill -9, once. After it is started again the same call is made
/// with the same idempotency key, and with nobody's help the session, the seller's ledger and the chain agree on one price.
/// </summary>
public class PaymentFaultTests(PaymentFaultTests.Pair fixture, ITestOutputHelper output) : IClassFixture<PaymentFaultTests.Pair>
{
    private const int PriceUnits = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Points => [.. ChargeFaults.All, .. FetchFaults.All];

    [SkippableTheory]
    [MemberData(nameof(Points))]
    public async Task One_price_is_paid_once_whoever_dies_at(string point)
    {
        var pair = await fixture.Value;
        var isSeller = ChargeFaults.All.Contains(point);
        var (tokens, books, runs) = (await pair.TokensAsync(), await pair.BooksAsync(), pair.Tool.Served);

        // A payment is settled when it was served long ago where the fault is in settling it, and at once otherwise.
        await RestartAsync(pair, isSeller, point is ChargeFaults.Settled or ChargeFaults.Failed or ChargeFaults.Retried ? ShopPair.Later : ShopPair.AtOnce, point);
        var session = await pair.BeginAsync();
        var clock = Stopwatch.StartNew();
        using var patience = new CancellationTokenSource(Patience);
        var died = (isSeller ? pair.Seller : pair.Buyer).ExitedAsync(patience.Token);
        var first = await pair.FetchAsync(session, point);
        if (point is ChargeFaults.Failed or ChargeFaults.Retried)
        {
            await FailToSettleAsync(pair, point, died);
        }
        else
        {
            // 128 + SIGKILL: it died there, and of nothing else.
            Assert.Equal(137, await died);
            await RestartAsync(pair, isSeller, ShopPair.AtOnce, null);
        }

        var last = "";
        await pair.UntilAsync("the same call is answered", async () => (last = await pair.FetchAsync(session, point)).EndsWith(" paid", StringComparison.Ordinal));
        await pair.UntilAsync("the price is settled on chain and in the seller's ledger, and nothing is set aside", async () =>
            await pair.TokensAsync() != tokens && await pair.BooksAsync() is (var earned, 0) && earned != books.Earned && await pair.BudgetAsync(session) is (_, 0));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{point}: first '{first}', then '{last}'; the tool ran {pair.Tool.Served - runs} times; {clock.Elapsed.TotalSeconds:0.0} s"));

        Assert.Equal(Expected(point), (last, pair.Tool.Served - runs));
        Assert.Equal((ShopPair.Price, 0m), await pair.BudgetAsync(session));
        Assert.Equal((tokens.Buyer - PriceUnits, tokens.Seller + PriceUnits), await pair.TokensAsync());
        Assert.Equal((books.Earned + ShopPair.Price, 0m), await pair.BooksAsync());
        foreach (var peer in (ChildPeer[])[pair.Buyer, pair.Seller])
        {
            var audit = (await peer.Api.CallAsync("ledger.audit"))!;
            Assert.True(audit["ok"]!.GetValue<bool>(), $"{peer.Name}: {audit.ToJsonString()}");
        }
    }

    /// <summary>
    /// What the call is answered in the end, and how often the tool has run for its one price. A seller that is killed while a tool
    /// runs cannot know how far it came: it runs it again, as the payer is better off with two runs than with none. What was
    /// journalled as served never runs again, and its result did not outlive the process: 409, <c>ALREADY_SERVED</c>.
    /// </summary>
    private static (string Answer, int Runs) Expected(string point) => point switch
    {
        ChargeFaults.Ran => ("200 paid", 2),
        ChargeFaults.Served or ChargeFaults.Settled or ChargeFaults.Failed or ChargeFaults.Retried => ("409 paid", 1),
        _ => ("200 paid", 1),
    };

    /// <summary>
    /// The buyer spends elsewhere what it signed for, so that the chain refuses the payment; funded again, it is served again once
    /// it has asked for something, which has the seller settle what is owed first.
    /// </summary>
    private static async Task FailToSettleAsync(ShopPair pair, string point, Task<int> died)
    {
        var taken = await pair.TakeTokensAsync();
        var another = await pair.BeginAsync();
        if (point == ChargeFaults.Failed)
        {
            Assert.Equal(137, await died);
            await RestartAsync(pair, isSeller: true, ShopPair.AtOnce, null);
            await pair.GiveTokensAsync(taken);
            Assert.Equal("402 refused", await pair.FetchAsync(another, "after-" + point));
        }
        else
        {
            await pair.UntilAsync("the seller is told by the chain", async () => (await File.ReadAllTextAsync(pair.Seller.LogFile)).Contains("so it is owed", StringComparison.Ordinal));
            await pair.GiveTokensAsync(taken);
            await pair.FetchAsync(another, "after-" + point);
            Assert.Equal(137, await died);
            await RestartAsync(pair, isSeller: true, ShopPair.AtOnce, null);
        }
    }

    private static async Task RestartAsync(ShopPair pair, bool isSeller, IReadOnlyList<string> settling, string? fault)
    {
        if (isSeller)
        {
            await pair.Seller.DisposeAsync();
            await pair.StartSellerAsync(settling, fault);
        }
        else
        {
            await pair.Buyer.DisposeAsync();
            await pair.StartBuyerAsync(fault);
        }
    }

    /// <summary>The pair lives on: who survives a test is in the next one. Started by the first test, which is skipped where there can be no chain.</summary>
    public sealed class Pair : IAsyncLifetime
    {
        private readonly Lazy<Task<ShopPair>> _value = new(ShopPair.StartAsync);

        internal Task<ShopPair> Value => _value.Value;

        public Task InitializeAsync() => Task.CompletedTask;

        public async Task DisposeAsync()
        {
            if (_value is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            {
                await (await Value).DisposeAsync();
            }
        }
    }
}
