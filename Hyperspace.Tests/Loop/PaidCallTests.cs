using System.Text.Json.Nodes;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Loop;

/// <summary>Money between real processes: under concurrency and under kill -9.</summary>
public class PaidCallTests(ITestOutputHelper output)
{
    private const int Rounds = 20;
    private const int Burst = 12;

    [Fact]
    public async Task A_thousand_concurrent_calls_never_spend_or_reserve_more_than_the_budget()
    {
        await using var pair = await PaidPair.StartAsync();
        var session = await pair.BeginAsync(100 * PaidPair.Price);
        using var done = new CancellationTokenSource();
        var watching = WatchBudgetAsync(pair, session, done.Token);

        var results = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async i =>
        {
            try
            {
                return (await pair.InvokeAsync(session, i))!["ok"]!.GetValue<bool>() ? "ok" : "failed";
            }
            catch (CommandException e)
            {
                return e.Code;
            }
        }));
        await done.CancelAsync();
        var looks = await watching;

        var outcomes = results.GroupBy(r => r).ToDictionary(g => g.Key ?? "", g => g.Count());
        output.WriteLine($"{string.Join(", ", outcomes.Select(o => $"{o.Value} {o.Key}"))}; the budget was looked at {looks} times meanwhile");
        Assert.Equal(new Dictionary<string, int> { ["ok"] = 100, ["BUDGET_EXCEEDED"] = 900 }, outcomes);
        Assert.Equal(100, pair.Tool.Served);
        var budget = (await pair.SessionAsync(session))["budget"]!;
        Assert.Equal(100 * PaidPair.Price, budget["spent"]!.GetValue<decimal>());
        Assert.Equal(0, budget["reserved"]!.GetValue<decimal>());
        Assert.Equal(100 * PaidPair.Price, (await PaidPair.ChannelAsync(pair.Payee, "payee")).Spent);
    }

    [Theory]
    [InlineData("payer")]
    [InlineData("payee")]
    public async Task Books_agree_after_kill_9_in_the_middle_of_a_paid_burst(string victim)
    {
        await using var pair = await PaidPair.StartAsync();
        var random = new Random(victim.Length);
        var session = await pair.BeginAsync(Rounds * Burst * PaidPair.Price);
        for (var round = 0; round < Rounds / 2; round++)
        {
            var answered = 0;
            var killAfter = random.Next(0, Burst - 1);
            var reached = new TaskCompletionSource();
            var calls = Enumerable.Range(0, Burst).Select(async i =>
            {
                try
                {
                    await pair.InvokeAsync(session, i);
                }
                catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException)
                {
                    // Calls in flight at the kill fail; what they did to the books is what is tested.
                }

                if (Interlocked.Increment(ref answered) > killAfter)
                {
                    reached.TrySetResult();
                }
            }).ToList();
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await KillAndRestartAsync(pair, victim);
            await Task.WhenAll(calls);

            // What the journals say on their own, before the two have spoken: at most the vouchers in flight apart.
            var (signedSide, paidSide) = (await PaidPair.ChannelAsync(pair.Payer, "payer"), await PaidPair.ChannelAsync(pair.Payee, "payee"));
            Assert.InRange(paidSide.Spent - signedSide.Accepted, 0, Burst * PaidPair.Price);

            await pair.UntilAsync("nothing is in flight or reserved", async () =>
                !(await PaidPair.ChannelAsync(pair.Payer, "payer")).InFlight && (await pair.SessionAsync(session))["budget"]!["reserved"]!.GetValue<decimal>() == 0);
            var payer = await PaidPair.ChannelAsync(pair.Payer, "payer");
            var payee = await PaidPair.ChannelAsync(pair.Payee, "payee");
            var spent = (await pair.SessionAsync(session))["budget"]!["spent"]!.GetValue<decimal>();
            output.WriteLine($"round {round}: killed the {victim} after {killAfter + 1} answers; session spent {spent}, payer's channel {payer.Accepted}, payee accepted {payee.Accepted} and spent {payee.Spent}, served {pair.Tool.Served}");
            Assert.Equal(payee.Spent, payer.Accepted);
            Assert.Equal(payee.Spent, spent);
            Assert.InRange(payee.Accepted - payee.Spent, 0, Burst * PaidPair.Price);
            Assert.True(pair.Tool.Served * PaidPair.Price <= payee.Spent, "Something was served that was not paid.");
        }
    }

    private static async Task KillAndRestartAsync(PaidPair pair, string victim)
    {
        if (victim == "payer")
        {
            pair.Payer.Kill();
            await pair.Payer.DisposeAsync();
            await pair.StartPayerAsync();
        }
        else
        {
            pair.Payee.Kill();
            await pair.Payee.DisposeAsync();
            await pair.StartPayeeAsync();
        }
    }

    private static async Task<int> WatchBudgetAsync(PaidPair pair, string session, CancellationToken done)
    {
        var looks = 0;
        while (!done.IsCancellationRequested)
        {
            var budget = (await pair.SessionAsync(session))["budget"]!;
            decimal Field(string name) => budget[name]!.GetValue<decimal>();
            Assert.True(Field("spent") + Field("reserved") <= Field("max"), $"over budget: {budget.ToJsonString()}");
            Assert.Equal(Field("max"), Field("spent") + Field("reserved") + Field("remaining"));
            looks++;
        }

        return looks;
    }
}
