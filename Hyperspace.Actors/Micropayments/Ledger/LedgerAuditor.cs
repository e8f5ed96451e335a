using System.Globalization;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What the channels say of themselves, between two looks at the ledger.</summary>
/// <param name="Before">The ledger's books when they were asked.</param>
/// <param name="Totals">Their answers.</param>
internal sealed record ChannelStatements(IReadOnlyDictionary<string, Book> Before, ChannelTotals Totals);

/// <summary>
/// Derives the ledger from the journal a second time, into a file of its own, and compares it with the one in use row by
/// row; sums all lines; derives each closed round again; and holds the channels' accounts against the channels' own books.
/// </summary>
internal sealed class LedgerAuditor(string dataDirectory)
{
    /// <summary>The second ledger's file, which is gone after the audit.</summary>
    public const string FileName = "ledger-audit.db";

    /// <summary>Most differences that are told.</summary>
    public const int MaxDifferences = 100;

    // Every table that follows from the journal: its columns in the order of its key, and the column that names an account.
    private static readonly (string Table, string Columns, int Key, string? Account)[] Tables =
    [
        ("entries", "number, persistence_id, sequence_nr, part, time_ms, memo", 1, null),
        ("lines", "id, kind, account, currency, amount, balance", 1, "account"),
        ("balances", "account, currency, debits, credits", 2, "account"),
        ("books", "id, sequence_nr, book", 1, null),
        ("rounds", "start_ms, hex(event), published", 1, null),
        ("positions", "counterparty, currency, micro", 2, null),
        ("skipped", "manifest, count", 1, null),
        ("gaps", "id, sequence_nr", 1, null),
    ];

    private readonly List<string> _differences = [];
    private int _busy;
    private int _compared;

    /// <summary>Audits; takes as long as the journal is. Call it once.</summary>
    /// <param name="account">Report only what concerns this account; null: everything.</param>
    /// <param name="statements">What the channels say.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public LedgerAudit Run(string? account, ChannelStatements statements, CancellationToken cancellationToken)
    {
        var path = Path.Combine(dataDirectory, FileName);
        LedgerFile.Delete(path);
        try
        {
            using var ledger = LedgerFile.OpenToRead(Path.Combine(dataDirectory, LedgerFile.FileName));
            using var again = LedgerFile.Open(path, out _);
            using var journal = JournalReader.Payments(dataDirectory);

            // All reads of this transaction see one moment, while the ledger goes on.
            using var moment = ledger.Connection.BeginTransaction(deferred: true);
            var position = ledger.Position();
            var projection = new LedgerProjection(journal, again);
            while (projection.Step(last: position.Ordering) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (again.Position() != position)
            {
                Differ($"The ledger has read to {position}, and the journal goes to {again.Position()}.");
            }

            foreach (var (table, columns, key, named) in Tables)
            {
                Compare(ledger, again, table, columns, key, named, account, cancellationToken);
            }

            var queries = new LedgerQueries(again);
            Gaps(again);
            Sums(ledger, cancellationToken);
            Rounds(again, queries);
            Channels(queries, statements, account);
            var skipped = queries.Skipped();
            return new LedgerAudit(_differences.Count == 0 && skipped.Count == 0, position.Events, position.Entries, _compared, _busy, skipped, _differences);
        }
        finally
        {
            LedgerFile.Delete(path);
        }
    }

    private void Compare(LedgerFile ledger, LedgerFile again, string table, string columns, int keyColumns, string? named, string? account, CancellationToken cancellationToken)
    {
        if (account is not null && named is null)
        {
            return;
        }

        var keys = string.Join(", ", columns.Split(", ").Take(keyColumns));
        var where = account is null ? "" : $"WHERE {named} = $account";
        using var left = Rows(ledger, columns, table, where, keys, account).GetEnumerator();
        using var right = Rows(again, columns, table, where, keys, account).GetEnumerator();
        var (hasLeft, hasRight) = (left.MoveNext(), right.MoveNext());
        while ((hasLeft || hasRight) && _differences.Count < MaxDifferences)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var order = !hasLeft ? 1 : !hasRight ? -1 : CompareKeys(left.Current, right.Current, keyColumns);
            if (order < 0)
            {
                Differ($"{table}: the ledger has ({Text(left.Current)}), which does not follow from the journal.");
            }
            else if (order > 0)
            {
                Differ($"{table}: the ledger lacks ({Text(right.Current)}).");
            }
            else if (!left.Current.AsSpan().SequenceEqual(right.Current))
            {
                Differ($"{table}: the ledger has ({Text(left.Current)}), and the journal gives ({Text(right.Current)}).");
            }

            (hasLeft, hasRight) = (order <= 0 ? left.MoveNext() : hasLeft, order >= 0 ? right.MoveNext() : hasRight);
        }
    }

    private static IEnumerable<object[]> Rows(LedgerFile file, string columns, string table, string where, string keys, string? account)
    {
        using var command = file.Command($"SELECT {columns} FROM {table} {where} ORDER BY {keys}", account is null ? [] : [("$account", account)]);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            yield return row;
        }
    }

    private static int CompareKeys(object[] left, object[] right, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var order = left[i] is long number ? number.CompareTo((long)right[i]) : string.CompareOrdinal((string)left[i], (string)right[i]);
            if (order != 0)
            {
                return order;
            }
        }

        return 0;
    }

    private void Gaps(LedgerFile again)
    {
        foreach (var row in Rows(again, "id, sequence_nr", "gaps", "", "id", null))
        {
            Differ($"The journal lacks event {row[1]} of {row[0]}.");
        }
    }

    private void Sums(LedgerFile ledger, CancellationToken cancellationToken)
    {
        var sums = new SortedDictionary<string, Int128>(StringComparer.Ordinal);
        foreach (var row in Rows(ledger, "currency, amount", "lines", "", "id", null))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var currency = (string)row[0];
            sums[currency] = sums.GetValueOrDefault(currency) + LedgerPage.Parse((string)row[1]);
        }

        foreach (var (currency, sum) in sums.Where(s => s.Value != 0))
        {
            Differ($"All lines in {currency} sum to {LedgerPage.Text(sum)}, not to zero.");
        }
    }

    private void Rounds(LedgerFile again, LedgerQueries queries)
    {
        var through = 0L;
        var positions = new Dictionary<(string, string), long>();
        foreach (var row in Rows(again, "start_ms, event", "rounds", "", "start_ms", null))
        {
            var closed = LedgerJournal.Closed((byte[])row[1]);
            var lines = queries.Round(through, closed.Through, (who, currency) => positions.GetValueOrDefault((who, currency)));
            if (!lines.SequenceEqual(closed.Lines))
            {
                Differ($"The round {RoundState.NameOf(closed.StartMs)} was closed with other nets than the journal gives.");
            }

            through = closed.Through;
            foreach (var line in closed.Lines)
            {
                positions[(line.Counterparty, line.Currency)] = line.PositionMicro;
            }
        }
    }

    /// <summary>A channel that has not paid between the two looks at the ledger must say what the ledger says.</summary>
    private void Channels(LedgerQueries queries, ChannelStatements statements, string? account)
    {
        var after = queries.Channels();
        var views = ChannelFigures.Of(statements.Totals);
        foreach (var id in after.Keys.Union(statements.Before.Keys).Union(views.Keys).Where(id => account is null || account == "channel:" + id[(id.IndexOf(':', StringComparison.Ordinal) + 1)..]))
        {
            var (ledgers, own) = (ChannelFigures.Of(after.GetValueOrDefault(id)), views.GetValueOrDefault(id));
            if (ledgers != ChannelFigures.Of(statements.Before.GetValueOrDefault(id)))
            {
                _busy++;
                continue;
            }

            _compared++;
            if (ledgers != own)
            {
                Differ($"The ledger has of the channel {id} {ledgers?.ToString() ?? "nothing"}, and the channel itself {own?.ToString() ?? "nothing"}.");
            }
        }

        var expected = after.Values.GroupBy(ChannelFigures.AccountOf).ToDictionary(g => g.Key, g => g.Aggregate((Int128)0, (sum, book) => sum + ChannelFigures.BalanceOf(book)));
        foreach (var (name, sum) in expected.Where(e => account is null || e.Key.Name == account))
        {
            var balance = queries.Of(name.Name) is [var one] ? one.Balance.Units : "0";
            if (balance != LedgerPage.Text(sum))
            {
                Differ($"{name} has {balance} where the channel's books give {LedgerPage.Text(sum)}.");
            }
        }
    }

    private void Differ(string difference)
    {
        if (_differences.Count < MaxDifferences)
        {
            _differences.Add(difference);
        }
    }

    private static string Text(object[] row) => string.Join(", ", row.Select(value => string.Create(CultureInfo.InvariantCulture, $"{value}")));
}

/// <summary>
/// What the ledger and a channel must agree on, in micro-units: what was spent only on the payee's side, what was signed and
/// whether a voucher is in flight only on the payer's.
/// </summary>
internal sealed record ChannelFigures(ulong AcceptedMicro, ulong SpentMicro, ulong SettledMicro, ulong SignedMicro, bool InFlight, long Vouchers)
{
    /// <summary>Of a book; null for none.</summary>
    public static ChannelFigures? Of(Book? book) => book switch
    {
        PayeeBook b => new(b.AcceptedMicro, b.SpentMicro, b.SettledMicro, 0, false, b.Vouchers),
        PayerBook b => new(b.AcceptedMicro, 0, b.SettledMicro, b.SignedMicro, !b.Flying.IsEmpty, b.Vouchers),
        _ => null,
    };

    /// <summary>Of the channels themselves, by <c>{side}:{channelId}</c>.</summary>
    public static Dictionary<string, ChannelFigures> Of(ChannelTotals totals)
    {
        var figures = new Dictionary<string, ChannelFigures>(StringComparer.Ordinal);
        foreach (var view in totals.Paying.Where(view => view.ChannelId is not null))
        {
            figures["payer:" + view.ChannelId] = new(view.Accepted.MicroUnits, 0, view.Settled.MicroUnits, view.Signed.MicroUnits, view.InFlight, view.Vouchers);
        }

        foreach (var view in totals.Receiving)
        {
            figures["payee:" + view.ChannelId] = new(view.Accepted.MicroUnits, view.Spent.MicroUnits, view.Settled.MicroUnits, 0, false, view.Vouchers);
        }

        return figures;
    }

    /// <summary>The account of a book's channel.</summary>
    public static Account AccountOf(Book book) => Account.Channel(book switch
    {
        PayeeBook b => b.ChannelId,
        PayerBook b => b.ChannelId,
        _ => throw new ArgumentException($"{book.GetType().Name} is of no channel.", nameof(book)),
    });

    /// <summary>What its account must hold by a book.</summary>
    public static Int128 BalanceOf(Book book) => book switch
    {
        PayeeBook or PayerBook { IsClosed: true } => 0,
        PayerBook b => b.Flying.Aggregate((Int128)b.AcceptedMicro - b.SpentMicro, (sum, f) => sum + f.PriceMicro),
        _ => throw new ArgumentException($"{book.GetType().Name} is of no channel.", nameof(book)),
    };
}
