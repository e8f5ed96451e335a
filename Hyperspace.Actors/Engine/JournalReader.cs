using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Engine;

/// <summary>An event as it lies in a journal.</summary>
/// <param name="Ordering">Its place among all events of the file; grows, with gaps.</param>
/// <param name="PersistenceId">Whose it is.</param>
/// <param name="SequenceNr">Its number among those, from 1.</param>
/// <param name="Time">When it was written.</param>
/// <param name="SerializerId">Out of <see cref="SerializerIds"/>.</param>
/// <param name="Manifest">Its kind.</param>
/// <param name="Payload">Its bytes.</param>
internal sealed record JournalRow(long Ordering, string PersistenceId, long SequenceNr, DateTimeOffset Time, int SerializerId, string Manifest, byte[] Payload);

/// <summary>
/// Reads all events of a SQLite journal in the order in which they were written, a page at a time. The plugin's own query
/// side is not used: it polls the file every second even when nobody asks, serves one journal per configuration, and ends
/// with an error at the first event that a later version wrote. SQLite gives out the ordering inside the one write
/// transaction at a time, so an event never appears behind one that was read. One reader for one thread at a time.
/// </summary>
internal sealed class JournalReader : IDisposable
{
    private const string Columns = "ordering, persistence_id, sequence_number, created, identifier, manifest, message";
    private readonly SqliteConnection _connection;
    private bool _hasTable;

    /// <summary>Opens the file to read it; it must be there.</summary>
    public JournalReader(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        _connection.Open();
        using var pragma = _connection.CreateCommand();
        pragma.CommandText = "PRAGMA busy_timeout=30000";
        pragma.ExecuteNonQuery();
    }

    /// <summary>The payments journal of a data directory.</summary>
    public static JournalReader Payments(string dataDirectory) => new(Path.Combine(dataDirectory, SqliteJournals.PaymentsFile));

    /// <summary>At most <paramref name="limit"/> events after <paramref name="ordering"/> and up to <paramref name="last"/>, in order.</summary>
    public IReadOnlyList<JournalRow> Read(long ordering, int limit, long last = long.MaxValue)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM journal WHERE ordering > $after AND ordering <= $last ORDER BY ordering LIMIT $limit";
        command.Parameters.AddWithValue("$after", ordering);
        command.Parameters.AddWithValue("$last", last);
        command.Parameters.AddWithValue("$limit", limit);
        return Rows(command);
    }

    /// <summary>The event of that very place, or null.</summary>
    public JournalRow? Find(long ordering)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM journal WHERE ordering = $ordering";
        command.Parameters.AddWithValue("$ordering", ordering);
        return Rows(command) is [var row] ? row : null;
    }

    public void Dispose() => _connection.Dispose();

    private List<JournalRow> Rows(SqliteCommand command)
    {
        var rows = new List<JournalRow>();
        if (!HasTable())
        {
            return rows;
        }

        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            rows.Add(new JournalRow(
                reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), new DateTimeOffset(reader.GetInt64(3), TimeSpan.Zero),
                reader.IsDBNull(4) ? 0 : reader.GetInt32(4), reader.IsDBNull(5) ? "" : reader.GetString(5), reader.GetFieldValue<byte[]>(6)));
        }

        return rows;
    }

    // The plugin makes it when it starts.
    private bool HasTable()
    {
        if (!_hasTable)
        {
            using var command = _connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
            _hasTable = (long)command.ExecuteScalar()! > 0;
        }

        return _hasTable;
    }
}
