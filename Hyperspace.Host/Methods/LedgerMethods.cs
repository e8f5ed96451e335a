using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>ledger.*</c>: the double-entry ledger. A debit is positive, a credit negative.</summary>
internal static class LedgerMethods
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;
    private const int MaxName = 240;

    // The whole journal is read again.
    private static readonly TimeSpan AuditTimeout = TimeSpan.FromMinutes(10);

    private static ApiParam Limit { get; } = new("limit", "integer", false, $"At most so many, 1 to {MaxLimit}; {DefaultLimit} unless told.");

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("ledger.balances", "What each account holds. Debits are positive, credits negative; all accounts of a currency sum to zero.",
            [
                new("prefix", "string", false, "Only accounts that begin so: peer:, channel:, session:, escrow:, wallet:, gas:, income or expense."),
                new("after", "string", false, "Go on after this account, the next of the answer before."),
                Limit,
            ],
            "{balances: [{account, currency, balance, debits, credits}], next}",
            async (p, _, ct) =>
            {
                var question = new LedgerCommands.GetBalances(p.OptionalString("prefix", MaxName), p.OptionalString("after", MaxName), LimitOf(p));
                var balances = await actors.AskAsync<ActorKeys.Ledger, LedgerBalances>(question, cancellationToken: ct);
                return new JsonObject { ["balances"] = Json.Array(balances.Balances, LedgerJson.Of), ["next"] = balances.Next };
            }),
        new("ledger.statement", "An account's lines, oldest first, each with the balance after it.",
            [
                new("account", "string", true, "As peer:12D3KooW…, channel:0x…, session:ses_…, income."),
                new("currency", "string", false, "Only this currency's lines."),
                new("after", "string", false, "Go on after this cursor, the next of the answer before."),
                Limit,
            ],
            "{account, lines: [{cursor, entryId, time, kind, memo, amount, balance, currency}], next}",
            async (p, _, ct) =>
            {
                var question = new LedgerCommands.GetStatement(p.String("account", MaxName), p.OptionalString("currency", 32), CursorOf(p), LimitOf(p));
                var statement = await actors.AskAsync<ActorKeys.Ledger, LedgerStatement>(question, cancellationToken: ct);
                return new JsonObject
                {
                    ["account"] = statement.Account,
                    ["lines"] = Json.Array(statement.Lines, LedgerJson.Of),
                    ["next"] = statement.Next == 0 ? null : statement.Next.ToString(CultureInfo.InvariantCulture),
                };
            }),
        new("ledger.audit", "Derives the whole ledger from the payments journal a second time and compares: every entry and balance, each currency's sum of zero, closed rounds, and the channels' own books.",
            [new("account", "string", false, "Compare only the lines and the balance of this account.")],
            "{ok, events, entries, channels, busy, skipped: [{manifest, count}], differences: [string]}",
            async (p, _, ct) => LedgerJson.Of(await actors.AskAsync<ActorKeys.Ledger, LedgerAudit>(new LedgerCommands.Audit(p.OptionalString("account", MaxName)), AuditTimeout, ct))),
        new("ledger.settlements", "Rounds of settlements: this peer's, those heard from others, and how they fit each other.",
            [new("round", "string", false, "Only this round, as 20261123T075000Z; the newest ones unless told.")],
            "{own: [{peerId, round, published, lines: [{counterparty, currency, net, position}]}], heard: […], pairs: [{round, peerId, counterparty, currency, net, counterNet, agree, positionsAgree}]}",
            async (p, _, ct) =>
            {
                var settlements = await actors.AskAsync<ActorKeys.Ledger, LedgerSettlements>(new LedgerCommands.GetSettlements(p.OptionalString("round", 32)), cancellationToken: ct);
                return new JsonObject
                {
                    ["own"] = Json.Array(settlements.Own, LedgerJson.Of),
                    ["heard"] = Json.Array(settlements.Heard, LedgerJson.Of),
                    ["pairs"] = Json.Array(settlements.Pairs, LedgerJson.Of),
                };
            }),
        new("ledger.closeRound", "Closes the round of the current period now, and publishes it. The clock does that by itself when the period is over.", [],
            "{peerId, round, published, lines: [{counterparty, currency, net, position}]}",
            async (_, _, ct) => LedgerJson.Of(await actors.AskAsync<ActorKeys.Ledger, SettlementView>(new LedgerCommands.CloseRound(), cancellationToken: ct))),
        new("ledger.credit", "What a counterparty may still come to owe this peer. What each owes the other is netted.",
            [new("peer", "string", true, "Its peer id, or eip155:{chainId}:{0x…}.")],
            "[{counterparty, currency, limit, used, left, position}]",
            async (p, _, ct) => Json.Array((await actors.AskAsync<ActorKeys.Ledger, LedgerCredit>(new LedgerCommands.GetCredit(p.String("peer", MaxName)), cancellationToken: ct)).Credits, LedgerJson.Of)),
    ];

    private static int LimitOf(Params p) => p.OptionalInt("limit", DefaultLimit, 1, MaxLimit);

    private static long CursorOf(Params p) => p.OptionalString("after", 32) is not { } text ? 0
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cursor) ? cursor
        : throw JsonRpcException.BadParams("'after' must be the next of an answer before.");
}
