using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.Methods;

/// <summary>How the ledger looks as JSON.</summary>
internal static class LedgerJson
{
    // A decimal holds so many digits and six more behind the point.
    private const int MaxDigits = 22;

    /// <summary>An exact decimal; wei, and what no decimal holds, as text: a whole number of wei or of micro-units.</summary>
    public static JsonNode Of(LedgerAmount amount) => amount.Currency == "WEI" || amount.Units.Length > MaxDigits
        ? JsonValue.Create(amount.Units)
        : JsonValue.Create(decimal.Parse(amount.Units, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) / Amount.Scale);

    public static JsonObject Of(LedgerBalance balance) => new()
    {
        ["account"] = balance.Account,
        ["currency"] = balance.Balance.Currency,
        ["balance"] = Of(balance.Balance),
        ["debits"] = Of(balance.Debits),
        ["credits"] = Of(balance.Credits),
    };

    public static JsonObject Of(LedgerLine line) => new()
    {
        ["cursor"] = line.Cursor.ToString(CultureInfo.InvariantCulture),
        ["entryId"] = line.EntryId,
        ["time"] = Json.Of(line.Time),
        ["kind"] = line.Kind,
        ["memo"] = line.Memo,
        ["amount"] = Of(line.Amount),
        ["balance"] = Of(line.Balance),
        ["currency"] = line.Amount.Currency,
    };

    public static JsonObject Of(LedgerAudit audit) => new()
    {
        ["ok"] = audit.Ok,
        ["events"] = audit.Events,
        ["entries"] = audit.Entries,
        ["channels"] = audit.Channels,
        ["busy"] = audit.Busy,
        ["skipped"] = Json.Array(audit.Skipped, s => new JsonObject { ["manifest"] = s.Manifest, ["count"] = s.Count }),
        ["differences"] = Json.Array(audit.Differences),
    };

    public static JsonObject Of(SettlementView settlement) => new()
    {
        ["peerId"] = settlement.PeerId,
        ["round"] = settlement.Round,
        ["published"] = settlement.Published,
        ["lines"] = Json.Array(settlement.Lines, line => new JsonObject
        {
            ["counterparty"] = line.Counterparty,
            ["currency"] = line.Net.Currency,
            ["net"] = Of(line.Net),
            ["position"] = Of(line.Position),
        }),
    };

    public static JsonObject Of(SettlementPair pair) => new()
    {
        ["round"] = pair.Round,
        ["peerId"] = pair.Peer,
        ["counterparty"] = pair.Counterparty,
        ["currency"] = pair.Net.Currency,
        ["net"] = Of(pair.Net),
        ["counterNet"] = pair.CounterNet is { } counter ? Of(counter) : null,
        ["agree"] = pair.Agree,
        ["positionsAgree"] = pair.PositionsAgree,
    };

    public static JsonObject Of(CreditView credit) => new()
    {
        ["counterparty"] = credit.Counterparty,
        ["currency"] = credit.Limit.Currency,
        ["limit"] = Of(credit.Limit),
        ["used"] = Of(credit.Used),
        ["left"] = Of(credit.Left),
        ["position"] = Of(credit.Position),
    };
}
