using System.Text.Json.Nodes;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.Loop;

/// <summary>The ledgers of two real processes that pay each other for calls.</summary>
public class LedgerTests
{
    [Fact]
    public async Task Two_ledgers_mirror_each_other_agree_on_a_round_and_survive_kill_9()
    {
        await using var pair = await PaidPair.StartAsync();
        var session = await pair.BeginAsync(1);
        await PayAsync(pair, session, 5);
        Assert.Equal(-5 * PaidPair.Price, await BalanceAsync(pair.Payer, "peer:" + pair.Payee.PeerId));
        Assert.Equal(5 * PaidPair.Price, await BalanceAsync(pair.Payee, "peer:" + pair.Payer.PeerId));
        Assert.Equal(-5 * PaidPair.Price, await BalanceAsync(pair.Payee, "income"));
        Assert.Equal(5 * PaidPair.Price, await BalanceAsync(pair.Payer, "session:" + session));
        await AuditAsync(pair.Payer);
        await AuditAsync(pair.Payee);

        // Both close the round of the same period, and hear of each other's.
        var round = await CloseAsync(pair, session);
        foreach (var peer in (ChildPeer[])[pair.Payer, pair.Payee])
        {
            await pair.UntilAsync("the two settlements agree", async () =>
                (await peer.Api.CallAsync("ledger.settlements", new JsonObject { ["round"] = round }))!["pairs"]!.AsArray() is [{ } only] && only["agree"]!.GetValue<bool>() && only["positionsAgree"]!.GetValue<bool>());
        }

        var paid = -await BalanceAsync(pair.Payer, "peer:" + pair.Payee.PeerId);
        pair.Payer.Kill();
        pair.Payee.Kill();
        await pair.Payer.DisposeAsync();
        await pair.Payee.DisposeAsync();
        await pair.StartPayeeAsync();
        await pair.StartPayerAsync();
        await pair.UntilAsync("the payer finds the tool again", async () =>
            (await pair.Payer.Api.CallAsync("tool.discover", new JsonObject { ["capabilities"] = new JsonArray("count") }))!.AsArray().Count > 0);
        await PayAsync(pair, session, 2);
        paid += 2 * PaidPair.Price;
        Assert.Equal(-paid, await BalanceAsync(pair.Payer, "peer:" + pair.Payee.PeerId));
        Assert.Equal(paid, await BalanceAsync(pair.Payee, "peer:" + pair.Payer.PeerId));
        await AuditAsync(pair.Payer);
        await AuditAsync(pair.Payee);

        // A statement in pages comes to the balance.
        var (sum, after) = (0m, (string?)null);
        do
        {
            var page = (await pair.Payee.Api.CallAsync("ledger.statement", new JsonObject { ["account"] = "income", ["after"] = after, ["limit"] = 3 }))!;
            sum += page["lines"]!.AsArray().Sum(line => line!["amount"]!.GetValue<decimal>());
            after = page["next"]?.GetValue<string>();
        }
        while (after is not null);
        Assert.Equal(-paid, sum);
        var credit = (await pair.Payee.Api.CallAsync("ledger.credit", new JsonObject { ["peer"] = pair.Payer.PeerId }))![0]!;
        Assert.Equal((paid, 10 - paid), (credit["used"]!.GetValue<decimal>(), credit["left"]!.GetValue<decimal>()));
    }

    /// <summary>Closes the round on both sides; when the clock goes into the next period in between, once more in that one.</summary>
    private static async Task<string> CloseAsync(PaidPair pair, string session)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var payers = (await pair.Payer.Api.CallAsync("ledger.closeRound"))!["round"]!.GetValue<string>();
                var payees = (await pair.Payee.Api.CallAsync("ledger.closeRound"))!["round"]!.GetValue<string>();
                if (payers == payees)
                {
                    return payers;
                }
            }
            catch (CommandException e) when (e.Code == "CONFLICT" && attempt == 0)
            {
                // The clock has closed it.
            }

            Assert.Equal(0, attempt);
            await PayAsync(pair, session, 1);
        }
    }

    private static async Task PayAsync(PaidPair pair, string session, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            Assert.True((await pair.InvokeAsync(session, i))!["ok"]!.GetValue<bool>());
        }
    }

    private static async Task<decimal> BalanceAsync(ChildPeer peer, string account)
    {
        var balances = (await peer.Api.CallAsync("ledger.balances", new JsonObject { ["prefix"] = account }))!["balances"]!.AsArray();
        return Assert.Single(balances)!["balance"]!.GetValue<decimal>();
    }

    private static async Task AuditAsync(ChildPeer peer)
    {
        var audit = (await peer.Api.CallAsync("ledger.audit"))!;
        Assert.True(audit["ok"]!.GetValue<bool>(), audit.ToJsonString());
        Assert.Equal(1, audit["channels"]!.GetValue<int>());
    }
}
