using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.Engine;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>How far the ledger has read the journal.</summary>
/// <param name="Ordering">The last event's place; 0: none yet.</param>
/// <param name="PersistenceId">Whose it was.</param>
/// <param name="SequenceNr">Its number.</param>
/// <param name="Events">How many were read in all.</param>
/// <param name="Entries">How many entries they gave.</param>
internal sealed record LedgerPosition(long Ordering, string PersistenceId, long SequenceNr, long Events, long Entries);

/// <summary>
/// The SQLite file of the ledger. All of it can be made again from the payments journal, except the settlements heard from
/// others, so a damaged or outdated file is thrown away. Amounts are text: they may be larger than SQLite's integers.
/// </summary>
internal sealed class LedgerFile : IDisposable
{
    /// <summary>Its name in the data directory.</summary>
    public const string FileName = "ledger.db";

    // Goes up with the tables and with the meaning of an entry.
    private const int Version = 1;

    // Also new when this version knows an event that the one before had to skip: then the ledger is made again.
    private static readonly long Shape = BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
        ' ', LedgerProjection.Formats.Values.SelectMany(format => format.Manifests).Order(StringComparer.Ordinal).Prepend(Version.ToString(CultureInfo.InvariantCulture)))))) >> 1;

    private const string Schema =
        $"""
        CREATE TABLE position (one INTEGER PRIMARY KEY CHECK (one = 1), ordering INTEGER NOT NULL, persistence_id TEXT NOT NULL, sequence_nr INTEGER NOT NULL, events INTEGER NOT NULL, entries INTEGER NOT NULL);
        INSERT INTO position VALUES (1, 0, '', 0, 0, 0);
        CREATE TABLE entries (number INTEGER PRIMARY KEY, persistence_id TEXT NOT NULL, sequence_nr INTEGER NOT NULL, part INTEGER NOT NULL, time_ms INTEGER NOT NULL, memo TEXT NOT NULL);
        CREATE TABLE lines (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, account TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, balance TEXT NOT NULL);
        CREATE INDEX lines_by_account ON lines (account, id);
        CREATE INDEX lines_over_channels ON lines (id) WHERE kind <= 2;
        CREATE TABLE balances (account TEXT NOT NULL, currency TEXT NOT NULL, debits TEXT NOT NULL, credits TEXT NOT NULL, PRIMARY KEY (account, currency)) WITHOUT ROWID;
        CREATE TABLE books (id TEXT PRIMARY KEY, sequence_nr INTEGER NOT NULL, book TEXT) WITHOUT ROWID;
        CREATE TABLE skipped (manifest TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE gaps (id TEXT PRIMARY KEY, sequence_nr INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE rounds (start_ms INTEGER PRIMARY KEY, event BLOB NOT NULL, published INTEGER NOT NULL);
        CREATE TABLE positions (counterparty TEXT NOT NULL, currency TEXT NOT NULL, micro INTEGER NOT NULL, PRIMARY KEY (counterparty, currency)) WITHOUT ROWID;
        CREATE TABLE heard (author TEXT NOT NULL, start_ms INTEGER NOT NULL, part INTEGER NOT NULL, wall_ms INTEGER NOT NULL, arrival INTEGER NOT NULL, known INTEGER NOT NULL, settlement BLOB NOT NULL, PRIMARY KEY (author, start_ms, part)) WITHOUT ROWID;
        CREATE INDEX heard_by_arrival ON heard (known, arrival);
        """;

    private LedgerFile(string path, SqliteConnection connection) => (Path, Connection) = (path, connection);

    public string Path { get; }

    /// <summary>For one thread at a time.</summary>
    public SqliteConnection Connection { get; }

    /// <summary>Opens the file, or makes it; a damaged or outdated one is replaced.</summary>
    /// <param name="path">Where.</param>
    /// <param name="replaced">Why a file was thrown away; null: none was.</param>
    public static LedgerFile Open(string path, out string? replaced)
    {
        replaced = null;
        try
        {
            var file = Connect(path);
            if (file.Number("PRAGMA user_version") == Shape)
            {
                return file;
            }

            replaced = file.Number("SELECT count(*) FROM sqlite_master") > 0 ? "it is of another version" : null;
            file.Dispose();
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            replaced = "it is damaged";
        }

        Delete(path);
        var made = Connect(path);
        made.Execute($"BEGIN; {Schema} PRAGMA user_version = {Shape.ToString(CultureInfo.InvariantCulture)}; COMMIT");
        return made;
    }

    /// <summary>Opens the file, which must be there, to read it beside its writer.</summary>
    public static LedgerFile OpenToRead(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            connection.Open();
            return new LedgerFile(path, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Removes the file, if it is there; nobody may have it open.</summary>
    public static void Delete(string path)
    {
        foreach (var ending in (ReadOnlySpan<string>)["", "-wal", "-shm"])
        {
            File.Delete(path + ending);
        }
    }

    /// <summary>How far the journal was read.</summary>
    public LedgerPosition Position()
    {
        using var command = Command("SELECT ordering, persistence_id, sequence_nr, events, entries FROM position");
        using var reader = command.ExecuteReader();
        reader.Read();
        return new LedgerPosition(reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4));
    }

    /// <summary>A command of this connection.</summary>
    public SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = Connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    /// <summary>Runs a command.</summary>
    public void Execute(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(sql, parameters);
        command.ExecuteNonQuery();
    }

    /// <summary>The whole number that a command gives; 0 for nothing.</summary>
    public long Number(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using var command = Command(sql, parameters);
        return command.ExecuteScalar() as long? ?? 0;
    }

    public void Dispose() => Connection.Dispose();

    private static LedgerFile Connect(string path)
    {
        SqliteJournals.KeepPrivate(path);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            var file = new LedgerFile(path, connection);

            // What a power cut takes from it is read from the journal again.
            file.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000");
            return file;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
