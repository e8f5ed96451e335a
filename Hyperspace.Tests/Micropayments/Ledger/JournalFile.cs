using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Ledger;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Tests.Micropayments.Ledger;

/// <summary>A payments journal in a directory of its own, as the plugin lays it out, without the plugin.</summary>
internal sealed class JournalFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, long> _sequence = [];

    public JournalFile()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("hyperspace-ledger-").FullName;
        _connection = new SqliteConnection($"Data Source={Path.Combine(Directory, SqliteJournals.PaymentsFile)};Pooling=False");
        _connection.Open();
        Run(
            """
            PRAGMA journal_mode=WAL;
            CREATE TABLE journal (ordering INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, deleted Bit NOT NULL, persistence_id NVarChar(255) NOT NULL,
              sequence_number INTEGER NOT NULL, message VarBinary NOT NULL, tags NVarChar(100) NULL, manifest NVarChar(500) NULL, identifier INTEGER NULL, writer_uuid NVarChar(128) NULL)
            """);
    }

    public string Directory { get; }

    /// <summary>What the next events are written at.</summary>
    public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 0, 0, TimeSpan.Zero);

    public void Add(IEnumerable<(string PersistenceId, object Event)> events)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var (id, happened) in events)
        {
            Add(id, happened);
        }

        transaction.Commit();
    }

    public void Add(string id, object happened)
    {
        var isLedgers = LedgerJournal.Format.Types.Contains(happened.GetType());
        var format = isLedgers ? LedgerJournal.Format : ChannelJournal.Format;
        Add(id, isLedgers ? SerializerIds.Ledger : SerializerIds.Micropayments, format.ManifestOf(happened), format.ToBytes(happened));
    }

    public void Add(string id, int serializerId, string manifest, byte[] payload)
    {
        var number = _sequence[id] = _sequence.GetValueOrDefault(id) + 1;
        Run("INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier) VALUES ($now, 0, $id, $nr, $bytes, $manifest, $serializer)",
            ("$now", Now.UtcTicks), ("$id", id), ("$nr", number), ("$bytes", payload), ("$manifest", manifest), ("$serializer", serializerId));
    }

    public void Run(string sql, params (string Name, object Value)[] parameters)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.ExecuteNonQuery();
    }

    /// <summary>All rows of every table of a ledger's file, as text.</summary>
    public static string Dump(string path)
    {
        using var file = LedgerFile.OpenToRead(path);
        using var names = file.Command("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
        using var tables = names.ExecuteReader();
        var text = new System.Text.StringBuilder();
        while (tables.Read())
        {
            using var rows = file.Command($"SELECT * FROM {tables.GetString(0)} ORDER BY 1, 2");
            using var reader = rows.ExecuteReader();
            while (reader.Read())
            {
                text.Append(tables.GetString(0));
                for (var i = 0; i < reader.FieldCount; i++)
                {
                    text.Append(' ').Append(reader.GetValue(i) is byte[] bytes ? Convert.ToHexStringLower(bytes) : reader.GetValue(i));
                }

                text.Append('\n');
            }
        }

        return text.ToString();
    }

    public void Dispose()
    {
        _connection.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
