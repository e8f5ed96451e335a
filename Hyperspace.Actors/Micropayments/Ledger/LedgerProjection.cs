using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Bridge;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Fetch;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Carries the payments journal over into the ledger's file, a page of events in each transaction together with how far it
/// has come: however it is cut into pages and wherever it is cut off, the same tables come out. For one thread at a time.
/// </summary>
internal sealed class LedgerProjection(JournalReader journal, LedgerFile file)
{
    /// <summary>Events of one transaction.</summary>
    public const int PageSize = 1000;

    /// <summary>How the events of the payments journal are read, by <see cref="SerializerIds"/>.</summary>
    public static IReadOnlyDictionary<int, JournalFormat> Formats { get; } = new Dictionary<int, JournalFormat>
    {
        [SerializerIds.Micropayments] = ChannelJournal.Format,
        [SerializerIds.Chain] = ChainFormat.Format,
        [SerializerIds.Charge] = ChargeJournal.Format,
        [SerializerIds.Fetch] = FetchJournal.Format,
        [SerializerIds.Bridge] = TransferFormat.Format,
        [SerializerIds.Ledger] = LedgerJournal.Format,
    };

    /// <summary>Takes over the next events, at most <paramref name="limit"/> and up to the place <paramref name="last"/>; returns how many there were.</summary>
    /// <exception cref="SqliteException">The journal cannot be read or the ledger not be written; nothing has changed.</exception>
    public int Step(int limit = PageSize, long last = long.MaxValue)
    {
        var position = file.Position();
        var rows = journal.Read(position.Ordering, limit, last);
        if (rows.Count == 0)
        {
            return 0;
        }

        using var transaction = file.Connection.BeginTransaction();
        var page = new LedgerPage(file);
        var entries = 0;
        foreach (var row in rows)
        {
            entries += Take(page, row);
        }

        page.Flush();
        var end = rows[^1];
        file.Execute(
            "UPDATE position SET ordering = $ordering, persistence_id = $id, sequence_nr = $nr, events = events + $events, entries = entries + $entries",
            ("$ordering", end.Ordering), ("$id", end.PersistenceId), ("$nr", end.SequenceNr), ("$events", rows.Count), ("$entries", entries));
        transaction.Commit();
        return rows.Count;
    }

    /// <summary>Whether the journal is still the one that the ledger was made from: it is not when an older copy of it was put back.</summary>
    public bool Fits()
    {
        var position = file.Position();
        return position.Ordering == 0 || (journal.Find(position.Ordering) is { } row && row.PersistenceId == position.PersistenceId && row.SequenceNr == position.SequenceNr);
    }

    /// <summary>The event of a row; null when this version does not know it or cannot read it.</summary>
    public static object? Read(JournalRow row)
    {
        if (!Formats.TryGetValue(row.SerializerId, out var format) || !format.Manifests.Contains(row.Manifest))
        {
            return null;
        }

        try
        {
            return format.FromBytes(row.Manifest, row.Payload);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or ArgumentException)
        {
            // Damaged, or a group with an event in it that this version does not know.
            return null;
        }
    }

    /// <summary>Takes a row over; returns how many entries it gave.</summary>
    private static int Take(LedgerPage page, JournalRow row)
    {
        page.Follow(row);
        var read = Read(row);
        List<object?> events = read is ChannelBatch batch ? [.. batch.Events] : [read];
        var entries = 0;
        for (var part = 0; part < events.Count; part++)
        {
            if (events[part] is not { } happened || part >= LedgerPage.MaxParts || page.Post(row, part, happened) is not { } posting)
            {
                page.Skip(row.Manifest.Length > 0 ? row.Manifest : $"serializer {row.SerializerId.ToString(CultureInfo.InvariantCulture)}");
                continue;
            }

            entries += posting.Entry is null ? 0 : 1;
            switch (happened)
            {
                case LedgerEvents.RoundClosed closed:
                    page.Close(closed, row.Payload);
                    break;
                case LedgerEvents.RoundPublished published:
                    page.Published(published);
                    break;
            }
        }

        return entries;
    }
}

/// <summary>What one transaction of the projection writes; balances and books are read once and written once.</summary>
internal sealed class LedgerPage(LedgerFile file)
{
    private readonly Dictionary<string, (long SequenceNr, Book? Book)> _books = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Account, string Currency), (Int128 Debits, Int128 Credits)> _balances = [];
    private readonly Dictionary<string, long> _skipped = new(StringComparer.Ordinal);

    /// <summary>Most events of one row of the journal.</summary>
    public const int MaxParts = 1 << 16;

    /// <summary>Notes the row's number, and one that is missing before it.</summary>
    public void Follow(JournalRow row)
    {
        var (sequenceNr, book) = Remembered(row.PersistenceId);
        if (row.SequenceNr != sequenceNr + 1)
        {
            file.Execute("INSERT OR IGNORE INTO gaps VALUES ($id, $nr)", ("$id", row.PersistenceId), ("$nr", sequenceNr + 1));
        }

        _books[row.PersistenceId] = (row.SequenceNr, book);
    }

    /// <summary>An event that has no entry because nobody here knows what it means.</summary>
    public void Skip(string manifest) => _skipped[manifest] = _skipped.GetValueOrDefault(manifest) + 1;

    /// <summary>Writes what an event does, and returns it; null when it cannot be placed.</summary>
    /// <param name="row">Where it is written.</param>
    /// <param name="part">Its number among the events of the row.</param>
    /// <param name="happened">The event.</param>
    public Posting? Post(JournalRow row, int part, object happened)
    {
        var id = Postings.BookIdOf(row.PersistenceId, happened);
        var (sequenceNr, book) = Remembered(id);
        if (Postings.Of(row.PersistenceId, book, happened) is not { } posting)
        {
            return null;
        }

        _books[id] = (sequenceNr, posting.Book);
        if (posting.Closed is { } closed)
        {
            _books[$"{row.PersistenceId}/{closed.ChannelId}"] = (0, closed);
        }

        if (posting.Entry is { } entry)
        {
            Write(row, part, entry);
        }

        return posting;
    }

    /// <summary>A round of this peer's own.</summary>
    public void Close(LedgerEvents.RoundClosed closed, byte[] payload)
    {
        file.Execute("INSERT OR REPLACE INTO rounds VALUES ($start, $event, 0)", ("$start", closed.StartMs), ("$event", payload));
        foreach (var line in closed.Lines)
        {
            file.Execute("INSERT OR REPLACE INTO positions VALUES ($who, $currency, $micro)", ("$who", line.Counterparty), ("$currency", line.Currency), ("$micro", line.PositionMicro));
        }
    }

    /// <summary>The mesh has a round of this peer's own.</summary>
    public void Published(LedgerEvents.RoundPublished published) => file.Execute("UPDATE rounds SET published = 1 WHERE start_ms = $start", ("$start", published.StartMs));

    /// <summary>Writes balances, books and counts.</summary>
    public void Flush()
    {
        foreach (var ((account, currency), (debits, credits)) in _balances)
        {
            file.Execute(
                "INSERT OR REPLACE INTO balances VALUES ($account, $currency, $debits, $credits)",
                ("$account", account), ("$currency", currency), ("$debits", Text(debits)), ("$credits", Text(credits)));
        }

        foreach (var (id, (sequenceNr, book)) in _books)
        {
            if (sequenceNr == 0 && book is null)
            {
                file.Execute("DELETE FROM books WHERE id = $id", ("$id", id));
                continue;
            }

            file.Execute("INSERT OR REPLACE INTO books VALUES ($id, $nr, $book)", ("$id", id), ("$nr", sequenceNr), ("$book", book is null ? DBNull.Value : JsonSerializer.Serialize(book)));
        }

        foreach (var (manifest, count) in _skipped)
        {
            file.Execute("INSERT INTO skipped VALUES ($manifest, $count) ON CONFLICT (manifest) DO UPDATE SET count = count + $count", ("$manifest", manifest), ("$count", count));
        }
    }

    /// <summary>The number of the first entry that the row of a place in the journal gives.</summary>
    public static long FirstEntry(long ordering) => ordering * MaxParts;

    /// <summary>The id of the first line of that entry.</summary>
    public static long FirstLine(long ordering) => FirstEntry(ordering) * Entry.MaxLines;

    /// <summary>A stored number.</summary>
    public static Int128 Parse(string text) => Int128.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    /// <summary>A number as it is stored and told.</summary>
    public static string Text(Int128 number) => number.ToString(CultureInfo.InvariantCulture);

    private void Write(JournalRow row, int part, Entry entry)
    {
        file.Execute(
            "INSERT INTO entries VALUES ($number, $id, $nr, $part, $time, $memo)",
            ("$number", FirstEntry(row.Ordering) + part), ("$part", part), ("$id", row.PersistenceId), ("$nr", row.SequenceNr), ("$time", row.Time.ToUnixTimeMilliseconds()), ("$memo", entry.Memo));
        for (var i = 0; i < entry.Lines.Count; i++)
        {
            var line = entry.Lines[i];
            file.Execute(
                "INSERT INTO lines VALUES ($id, $kind, $account, $currency, $amount, $balance)",
                ("$id", ((FirstEntry(row.Ordering) + part) * Entry.MaxLines) + i), ("$kind", (int)line.Kind), ("$account", line.Account.Name), ("$currency", line.Currency.Code),
                ("$amount", Text(line.Amount)), ("$balance", Text(Add(line))));
        }
    }

    private Int128 Add(EntryLine line)
    {
        var key = (line.Account.Name, line.Currency.Code);
        if (!_balances.TryGetValue(key, out var sums))
        {
            using var command = file.Command("SELECT debits, credits FROM balances WHERE account = $account AND currency = $currency", ("$account", key.Name), ("$currency", key.Code));
            using var reader = command.ExecuteReader();
            sums = reader.Read() ? (Parse(reader.GetString(0)), Parse(reader.GetString(1))) : default;
        }

        sums = line.Amount > 0 ? sums with { Debits = checked(sums.Debits + line.Amount) } : sums with { Credits = checked(sums.Credits - line.Amount) };
        _balances[key] = sums;
        return sums.Debits - sums.Credits;
    }

    private (long SequenceNr, Book? Book) Remembered(string id)
    {
        if (_books.TryGetValue(id, out var known))
        {
            return known;
        }

        using var command = file.Command("SELECT sequence_nr, book FROM books WHERE id = $id", ("$id", id));
        using var reader = command.ExecuteReader();
        return reader.Read() ? (reader.GetInt64(0), reader.IsDBNull(1) ? null : JsonSerializer.Deserialize<Book>(reader.GetString(1))) : (0, null);
    }
}
