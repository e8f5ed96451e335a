using System.Globalization;
using System.Text.Json;
using Hyperspace.Contracts.Micropayments;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Reads the ledger's file; every answer is bounded.</summary>
internal sealed class LedgerQueries(LedgerFile file)
{
    /// <summary>Most accounts, or lines, of one answer.</summary>
    public const int MaxRows = 1000;

    // Above every character that an account's name may go on with.
    private const string AfterAll = "\U0010FFFF";

    /// <summary>The accounts after <paramref name="after"/> that begin with <paramref name="prefix"/>, each with all of its currencies.</summary>
    public LedgerBalances Balances(string prefix, string after, int limit)
    {
        using var command = file.Command(
            """
            SELECT account, currency, debits, credits FROM balances WHERE account IN
              (SELECT DISTINCT account FROM balances WHERE account > $after AND account >= $prefix AND account < $end ORDER BY account LIMIT $limit)
            ORDER BY account, currency
            """,
            ("$after", after), ("$prefix", prefix), ("$end", prefix + AfterAll), ("$limit", limit));
        using var reader = command.ExecuteReader();
        var balances = new List<LedgerBalance>();
        while (reader.Read())
        {
            balances.Add(Balance(reader));
        }

        var accounts = balances.Select(b => b.Account).Distinct(StringComparer.Ordinal).Count();
        return new LedgerBalances(balances, accounts < limit ? null : balances[^1].Account);
    }

    /// <summary>An account's standing in each of its currencies.</summary>
    public IReadOnlyList<LedgerBalance> Of(string account)
    {
        using var command = file.Command("SELECT account, currency, debits, credits FROM balances WHERE account = $account ORDER BY currency", ("$account", account));
        using var reader = command.ExecuteReader();
        var balances = new List<LedgerBalance>();
        while (reader.Read())
        {
            balances.Add(Balance(reader));
        }

        return balances;
    }

    /// <summary>Lines of an account after a cursor.</summary>
    public LedgerStatement Statement(string account, string? currency, long after, int limit)
    {
        using var command = file.Command(
            $"""
            SELECT l.id, e.persistence_id, e.sequence_nr, e.time_ms, l.kind, e.memo, l.amount, l.balance, l.currency, e.part
            FROM lines l JOIN entries e ON e.number = l.id / {Entry.MaxLines.ToString(CultureInfo.InvariantCulture)}
            WHERE l.account = $account AND l.id > $after AND ($currency = '' OR l.currency = $currency) ORDER BY l.id LIMIT $limit
            """,
            ("$account", account), ("$after", after), ("$currency", currency ?? ""), ("$limit", limit));
        using var reader = command.ExecuteReader();
        var lines = new List<LedgerLine>();
        while (reader.Read())
        {
            var code = reader.GetString(8);
            lines.Add(new LedgerLine(
                reader.GetInt64(0), EntryId(reader.GetString(1), reader.GetInt64(2), reader.GetInt64(9)), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(3)),
                ((LineKind)reader.GetInt32(4)).ToString().ToLowerInvariant(), reader.GetString(5), new LedgerAmount(reader.GetString(6), code), new LedgerAmount(reader.GetString(7), code)));
        }

        return new LedgerStatement(account, lines, lines.Count < limit ? 0 : lines[^1].Cursor);
    }

    /// <summary>When the first money moved over a channel after a place of the journal; null: none has.</summary>
    public DateTimeOffset? FirstAfter(long ordering) =>
        file.Number("SELECT id FROM lines WHERE kind <= 2 AND id >= $id ORDER BY id LIMIT 1", ("$id", LedgerPage.FirstLine(ordering + 1))) is var id and > 0
            ? DateTimeOffset.FromUnixTimeMilliseconds(file.Number("SELECT time_ms FROM entries WHERE number = $number", ("$number", id / Entry.MaxLines)))
            : null;

    /// <summary>The last place after <paramref name="ordering"/> before the first entry of the time <paramref name="endMs"/> or later; the last of all when there is none.</summary>
    public long LastBefore(long ordering, long endMs) =>
        file.Number("SELECT min(number) FROM entries WHERE number >= $number AND time_ms >= $end", ("$number", LedgerPage.FirstEntry(ordering + 1)), ("$end", endMs)) is var first and > 0
            ? (first / LedgerPage.MaxParts) - 1
            : file.Position().Ordering;

    /// <summary>What each counterparty came to owe over channels between two places of the journal, the first one excluded.</summary>
    /// <param name="after">Where the round before ended.</param>
    /// <param name="through">Where this one ends.</param>
    /// <param name="positionOf">What a counterparty owed, in micro-units of a currency, by all rounds before.</param>
    public IReadOnlyList<RoundLine> Round(long after, long through, Func<string, string, long> positionOf)
    {
        var nets = new Dictionary<(string Who, string Currency), Int128>();
        using (var command = file.Command(
            "SELECT account, currency, amount FROM lines WHERE kind <= 2 AND id >= $from AND id < $to AND account >= $peers AND account < $end",
            ("$from", LedgerPage.FirstLine(after + 1)), ("$to", LedgerPage.FirstLine(through + 1)), ("$peers", Account.PeerPrefix), ("$end", Account.PeerPrefix + AfterAll)))
        {
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                var key = (reader.GetString(0)[Account.PeerPrefix.Length..], reader.GetString(1));
                nets[key] = nets.GetValueOrDefault(key) + LedgerPage.Parse(reader.GetString(2));
            }
        }

        return
        [
            .. nets.OrderBy(net => net.Key.Who, StringComparer.Ordinal).ThenBy(net => net.Key.Currency, StringComparer.Ordinal)
                .Select(net => new RoundLine(net.Key.Who, net.Key.Currency, checked((long)net.Value), checked((long)(positionOf(net.Key.Who, net.Key.Currency) + net.Value)))),
        ];
    }

    /// <summary>What a counterparty owes by all rounds, in micro-units.</summary>
    public long PositionOf(string counterparty, string currency) =>
        file.Number("SELECT micro FROM positions WHERE counterparty = $who AND currency = $currency", ("$who", counterparty), ("$currency", currency));

    /// <summary>What this version does not know of the journal.</summary>
    public IReadOnlyList<SkippedEvents> Skipped()
    {
        using var command = file.Command("SELECT manifest, count FROM skipped ORDER BY manifest LIMIT $limit", ("$limit", MaxRows));
        using var reader = command.ExecuteReader();
        var skipped = new List<SkippedEvents>();
        while (reader.Read())
        {
            skipped.Add(new SkippedEvents(reader.GetString(0), reader.GetInt64(1)));
        }

        return skipped;
    }

    /// <summary>The books of all channels, by <c>{side}:{channelId}</c>.</summary>
    public IReadOnlyDictionary<string, Book> Channels()
    {
        using var command = file.Command("SELECT book FROM books WHERE book IS NOT NULL");
        using var reader = command.ExecuteReader();
        var books = new Dictionary<string, Book>(StringComparer.Ordinal);
        while (reader.Read())
        {
            switch (JsonSerializer.Deserialize<Book>(reader.GetString(0)))
            {
                case PayeeBook payee:
                    books["payee:" + payee.ChannelId] = payee;
                    break;
                case PayerBook payer:
                    Add(payer);
                    break;
            }
        }

        return books;

        void Add(PayerBook payer)
        {
            books["payer:" + payer.ChannelId] = payer;
            if (payer.Before is { } before)
            {
                Add(before);
            }
        }
    }

    private static string EntryId(string persistenceId, long sequenceNr, long part) =>
        string.Create(CultureInfo.InvariantCulture, $"{persistenceId}#{sequenceNr}{(part > 0 ? $".{part}" : "")}");

    private static LedgerBalance Balance(SqliteDataReader reader)
    {
        var currency = reader.GetString(1);
        var (debits, credits) = (LedgerPage.Parse(reader.GetString(2)), LedgerPage.Parse(reader.GetString(3)));
        return new LedgerBalance(
            reader.GetString(0), new LedgerAmount(LedgerPage.Text(debits - credits), currency), new LedgerAmount(LedgerPage.Text(debits), currency), new LedgerAmount(LedgerPage.Text(credits), currency));
    }
}
