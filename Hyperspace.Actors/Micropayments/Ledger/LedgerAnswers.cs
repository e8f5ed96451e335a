using System.Globalization;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Checks questions to the ledger and answers them.</summary>
internal static class LedgerAnswers
{
    public static object Of(LedgerQueries queries, LedgerCommands.GetBalances m) => Limit(m.Limit) ?? Name("prefix", m.Prefix) ?? Name("after", m.After)
        ?? (object)queries.Balances(m.Prefix ?? "", m.After ?? "", m.Limit);

    public static object Of(LedgerQueries queries, LedgerCommands.GetStatement m) => Limit(m.Limit) ?? Name("account", m.Account) ?? Code(m.Currency)
        ?? (object)queries.Statement(m.Account, m.Currency, m.After, m.Limit);

    /// <param name="queries">The ledger.</param>
    /// <param name="m">The question.</param>
    /// <param name="limitMicro">What any counterparty may owe, in each currency.</param>
    public static object Of(LedgerQueries queries, LedgerCommands.GetCredit m, ulong limitMicro)
    {
        if (m.Counterparty.Length == 0 || Name("peer", m.Counterparty) is not null)
        {
            return new Refusal(ErrorCodes.InvalidParams, "Name the counterparty by its peer id, or as eip155:{chainId}:{0x…}.");
        }

        var positions = queries.Of(Account.Peer(m.Counterparty).Name).ToDictionary(b => b.Balance.Currency, b => LedgerPage.Parse(b.Balance.Units), StringComparer.Ordinal);
        positions.TryAdd(Currency.Usdc.Code, 0);
        return new LedgerCredit([.. positions.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => View(m.Counterparty, p.Key, new NetCredit(limitMicro, p.Value)))]);
    }

    public static object Of(SettlementTable settlements, LedgerCommands.GetSettlements m) => m.Round is null ? settlements.Read(null)
        : RoundState.Parse(m.Round) is { } start ? settlements.Read(start)
        : new Refusal(ErrorCodes.InvalidParams, $"'{m.Round}' is no round; write the beginning of its period as 20261123T075000Z.");

    private static CreditView View(string counterparty, string currency, NetCredit credit) => new(
        counterparty, new LedgerAmount(credit.LimitMicro.ToString(CultureInfo.InvariantCulture), currency), new LedgerAmount(LedgerPage.Text(credit.UsedMicro), currency),
        new LedgerAmount(LedgerPage.Text(credit.LeftMicro), currency), new LedgerAmount(LedgerPage.Text(credit.PositionMicro), currency));

    private static Refusal? Limit(int limit) => limit is >= 1 and <= LedgerQueries.MaxRows ? null
        : new Refusal(ErrorCodes.InvalidParams, $"The limit is a whole number from 1 to {LedgerQueries.MaxRows}.");

    private static Refusal? Name(string what, string? name) => name is null || name.Length <= Account.MaxLength - 16 ? null
        : new Refusal(ErrorCodes.InvalidParams, $"The {what} has more than {Account.MaxLength - 16} characters.");

    private static Refusal? Code(string? currency) => currency is null || Currency.TryParse(currency, out _) ? null
        : new Refusal(ErrorCodes.InvalidParams, "The currency is a code of 2 to 12 capital letters or digits, as USDC.");
}
