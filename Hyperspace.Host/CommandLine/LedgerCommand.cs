using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace ledger</c>: balances, statements, audits and settlements of a running peer.</summary>
internal static class LedgerCommand
{
    public static Command Create() => new("ledger", "Look into the double-entry ledger.")
    {
        Balances(),
        Statement(),
        Audit(),
        Settlements(),
        CloseRound(),
        Credit(),
    };

    private static Command Balances()
    {
        var prefix = new Option<string?>("--prefix") { Description = "Only accounts that begin so, as peer: or session:." };
        var (after, limit) = (After("account"), Limit());
        return new Command("balances", "What each account holds: debits are positive, credits negative.") { prefix, after, limit }.Asks(
            (parsed, client, ct) => client.CallAsync(
                "ledger.balances", new JsonObject { ["prefix"] = parsed.GetValue(prefix), ["after"] = parsed.GetValue(after), ["limit"] = parsed.GetValue(limit) }, ct),
            result => Page(result, result!["balances"], ["account", "currency", "balance", "debits", "credits"]));
    }

    private static Command Statement()
    {
        var account = new Argument<string>("ACCOUNT") { Description = "As peer:12D3KooW…, channel:0x…, session:ses_… or income." };
        var currency = new Option<string?>("--currency") { Description = "Only this currency's lines." };
        var (after, limit) = (After("cursor"), Limit());
        return new Command("statement", "An account's lines, oldest first, each with the balance after it.") { account, currency, after, limit }.Asks(
            (parsed, client, ct) => client.CallAsync(
                "ledger.statement",
                new JsonObject { ["account"] = parsed.GetValue(account), ["currency"] = parsed.GetValue(currency), ["after"] = parsed.GetValue(after), ["limit"] = parsed.GetValue(limit) },
                ct),
            result => Page(result, result!["lines"], ["time", "kind", "amount", "balance", "currency", "memo", "entryId"]));
    }

    private static Command Audit()
    {
        var account = new Option<string?>("--account") { Description = "Compare only this account." };
        return new Command("audit", "Derive the ledger from the payments journal again and compare; fails when they differ.") { account }.Asks(
            (parsed, client, ct) => client.CallAsync("ledger.audit", new JsonObject { ["account"] = parsed.GetValue(account) }, ct),
            result =>
            {
                foreach (var difference in result!["differences"]!.AsArray())
                {
                    Console.Out.WriteLine(difference!.GetValue<string>());
                }

                result.AsObject().Remove("differences");
                Print.Fields(result);
            },
            result => result!["ok"]!.GetValue<bool>() ? 0 : 1);
    }

    private static Command Settlements()
    {
        var round = new Option<string?>("--round") { Description = "Only this round, as 20261123T075000Z." };
        return new Command("settlements", "Rounds of settlements: own ones, those heard, and how they fit.") { round }.Asks(
            (parsed, client, ct) => client.CallAsync("ledger.settlements", new JsonObject { ["round"] = parsed.GetValue(round) }, ct),
            result =>
            {
                foreach (var settlement in result!["own"]!.AsArray().Concat(result["heard"]!.AsArray()))
                {
                    PrintSettlement(settlement!);
                }

                Print.Table(result["pairs"], ["round", "peerId", "counterparty", "currency", "net", "counterNet", "agree", "positionsAgree"]);
            });
    }

    private static Command CloseRound() =>
        new Command("close-round", "Close the round of the current period now, and publish it.").Asks((_, client, ct) => client.CallAsync("ledger.closeRound", null, ct), result => PrintSettlement(result!));

    private static Command Credit()
    {
        var peer = new Argument<string>("PEER") { Description = "A peer id, or eip155:{chainId}:{0x…}." };
        return new Command("credit", "What a counterparty may still come to owe this peer.") { peer }.Asks(
            (parsed, client, ct) => client.CallAsync("ledger.credit", new JsonObject { ["peer"] = parsed.GetValue(peer) }, ct),
            result => Print.Table(result, ["currency", "limit", "used", "left", "position"]));
    }

    private static void Page(JsonNode? result, JsonNode? rows, IReadOnlyList<string> columns)
    {
        Print.Table(rows, columns);
        if (result!["next"] is { } next)
        {
            Console.Out.WriteLine($"More: --after {next.GetValue<string>()}");
        }
    }

    private static void PrintSettlement(JsonNode settlement)
    {
        Console.Out.WriteLine($"{settlement["round"]} of {settlement["peerId"]}{(settlement["published"]!.GetValue<bool>() ? "" : ", not published yet")}");
        Print.Table(settlement["lines"], ["counterparty", "currency", "net", "position"]);
    }

    private static Option<string?> After(string what) => new("--after") { Description = $"Go on after this {what}." };

    private static Option<int> Limit() => new("--limit") { Description = "At most so many, 1 to 1000.", DefaultValueFactory = _ => 100 };
}
