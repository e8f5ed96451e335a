using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>
/// A signed amount of the ledger: positive is debit, negative is credit. It may be larger than an <see cref="Amount"/>, as sums
/// and gas fees are, so it travels as text.
/// </summary>
/// <param name="Units">A whole number in decimal digits, with a minus when negative: micro-units of the currency, wei of <c>WEI</c>.</param>
/// <param name="Currency">The currency's code.</param>
public sealed record LedgerAmount(string Units, string Currency);

/// <summary>Commands of the double-entry ledger. Each is answered from all that the payments journal held when it came.</summary>
public static class LedgerCommands
{
    /// <summary>Begins the ledger's work in the background: catching up, rounds, listening for settlements. Not answered.</summary>
    public sealed record Wake;

    /// <summary>Balances by account, in the accounts' alphabetical order. Answered with <see cref="LedgerBalances"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Prefix">Only accounts that begin so, as <c>peer:</c>; null: all.</param>
    /// <param name="After">Go on after this account; null: from the first.</param>
    /// <param name="Limit">At most so many accounts, 1 to 1000.</param>
    public sealed record GetBalances(string? Prefix, string? After, int Limit);

    /// <summary>An account's lines, oldest first. Answered with <see cref="LedgerStatement"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Account">The account.</param>
    /// <param name="Currency">Only this currency's lines; null: of all.</param>
    /// <param name="After">The cursor to go on after; 0: from the first.</param>
    /// <param name="Limit">At most so many lines, 1 to 1000.</param>
    public sealed record GetStatement(string Account, string? Currency, long After, int Limit);

    /// <summary>Derives the whole ledger from the journal again and compares. Answered with <see cref="LedgerAudit"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Account">Report only what concerns this account; null: everything.</param>
    public sealed record Audit(string? Account);

    /// <summary>Closes the round of the current period now. Answered with <see cref="SettlementView"/>, or a <see cref="Refusal"/> CONFLICT when it is closed or has nothing in it.</summary>
    public sealed record CloseRound;

    /// <summary>Own settlements and those heard, newest round first. Answered with <see cref="LedgerSettlements"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="Round">Only this round; null: the newest ones.</param>
    public sealed record GetSettlements(string? Round);

    /// <summary>What a counterparty may still owe this peer. Answered with <see cref="LedgerCredit"/>s or a <see cref="Refusal"/>.</summary>
    /// <param name="Counterparty">A peer id, or <c>eip155:{chainId}:{0x…}</c>.</param>
    public sealed record GetCredit(string Counterparty);
}

/// <summary>An account's standing in one currency.</summary>
/// <param name="Account">The account.</param>
/// <param name="Balance">Debits − credits.</param>
/// <param name="Debits">All that was ever debited.</param>
/// <param name="Credits">All that was ever credited.</param>
public sealed record LedgerBalance(string Account, LedgerAmount Balance, LedgerAmount Debits, LedgerAmount Credits);

/// <summary>Balances.</summary>
/// <param name="Balances">By account, then currency.</param>
/// <param name="Next">The account to go on after; null: that was all.</param>
public sealed record LedgerBalances(IReadOnlyList<LedgerBalance> Balances, string? Next);

/// <summary>A line of an account.</summary>
/// <param name="Cursor">Its place among all lines.</param>
/// <param name="EntryId"><c>{persistenceId}#{sequenceNr}</c> of the journal's event.</param>
/// <param name="Time">When the event was journalled.</param>
/// <param name="Kind">What moved the money, as <c>earned</c>.</param>
/// <param name="Memo">What for.</param>
/// <param name="Amount">Debit (+) or credit (−).</param>
/// <param name="Balance">The account's balance after it.</param>
public sealed record LedgerLine(long Cursor, string EntryId, DateTimeOffset Time, string Kind, string Memo, LedgerAmount Amount, LedgerAmount Balance);

/// <summary>Lines of an account.</summary>
/// <param name="Account">The account.</param>
/// <param name="Lines">Oldest first.</param>
/// <param name="Next">The cursor to go on after; 0: that was all.</param>
public sealed record LedgerStatement(string Account, IReadOnlyList<LedgerLine> Lines, long Next);

/// <summary>Events of the journal that this version does not know and that have therefore no entry.</summary>
/// <param name="Manifest">Their kind as the journal names it.</param>
/// <param name="Count">How many.</param>
public sealed record SkippedEvents(string Manifest, long Count);

/// <summary>What an audit found.</summary>
/// <param name="Ok">True when nothing differs and nothing was skipped.</param>
/// <param name="Events">Events of the journal that were read.</param>
/// <param name="Entries">Entries that they gave.</param>
/// <param name="Channels">Channels whose own books were compared.</param>
/// <param name="Busy">Channels that paid meanwhile and were not compared.</param>
/// <param name="Skipped">What this version does not know.</param>
/// <param name="Differences">A sentence each; at most 100.</param>
public sealed record LedgerAudit(bool Ok, long Events, long Entries, int Channels, int Busy, IReadOnlyList<SkippedEvents> Skipped, IReadOnlyList<string> Differences);

/// <summary>What one counterparty and its peer owe each other out of one round.</summary>
/// <param name="Counterparty">Its peer id.</param>
/// <param name="Net">What the counterparty came to owe (+) or to be owed (−) in the round.</param>
/// <param name="Position">The same over all rounds up to this one.</param>
public sealed record SettlementLineView(string Counterparty, LedgerAmount Net, LedgerAmount Position);

/// <summary>A peer's settlement of a round.</summary>
/// <param name="PeerId">Whose.</param>
/// <param name="Round">The beginning of the round's period in UTC, as <c>20261123T075000Z</c>.</param>
/// <param name="Lines">By counterparty and currency.</param>
/// <param name="Published">Own ones: whether the mesh has it; others: true.</param>
public sealed record SettlementView(string PeerId, string Round, IReadOnlyList<SettlementLineView> Lines, bool Published);

/// <summary>How the settlements of two peers say the same thing, or not.</summary>
/// <param name="Round">The round.</param>
/// <param name="Peer">One.</param>
/// <param name="Counterparty">The other.</param>
/// <param name="Net">What the one says that the other came to owe in the round.</param>
/// <param name="CounterNet">What the other says; null: it has published nothing on the one in this round.</param>
/// <param name="Agree">True when one is the negative of the other.</param>
/// <param name="PositionsAgree">True when that holds of their positions after the round; those also agree when a payment on the boundary fell into different rounds before.</param>
public sealed record SettlementPair(string Round, string Peer, string Counterparty, LedgerAmount Net, LedgerAmount? CounterNet, bool Agree, bool PositionsAgree);

/// <summary>Settlements.</summary>
/// <param name="Own">This peer's, newest first.</param>
/// <param name="Heard">Other peers', verified, newest first. They change no balance.</param>
/// <param name="Pairs">Each two peers that named each other.</param>
public sealed record LedgerSettlements(IReadOnlyList<SettlementView> Own, IReadOnlyList<SettlementView> Heard, IReadOnlyList<SettlementPair> Pairs);

/// <summary>Mutual credit with a counterparty, in one currency.</summary>
/// <param name="Counterparty">Who.</param>
/// <param name="Limit">What it may owe at most, net.</param>
/// <param name="Used">What it owes beyond what this peer owes it; zero when it is the other way round.</param>
/// <param name="Left">What it may still come to owe; over the limit by as much as this peer owes it.</param>
/// <param name="Position">What it owes (+) or is owed (−).</param>
public sealed record CreditView(string Counterparty, LedgerAmount Limit, LedgerAmount Used, LedgerAmount Left, LedgerAmount Position);

/// <summary>Mutual credit with a counterparty, by currency.</summary>
public sealed record LedgerCredit(IReadOnlyList<CreditView> Credits);
