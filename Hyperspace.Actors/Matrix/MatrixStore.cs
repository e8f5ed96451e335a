using System.Runtime.InteropServices;
using Hyperspace.Actors.Engine;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// The file of the matrix: the capabilities that are known with their full-text index, every author's sums, this peer's own
/// outcomes. Everything is written inside the transaction that <see cref="Commit"/> ends: many changes, one commit. It survives any
/// crash of the process. For one thread at a time.
/// </summary>
internal sealed partial class MatrixStore : IDisposable
{
    /// <summary>Its name in the data directory.</summary>
    public const string FileName = "matrix.db";

    // Runs are told again only when the process died soon after; more than that do not happen in between.
    private const int MaxRuns = 4096;

    private const int Version = 1;

    // Came later; a program that does not know it leaves it alone.
    private const string Additions = "CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)";

    // The full text is stored as normalised words and without its content: it is only searched, never shown.
    private const string Schema =
        """
        CREATE TABLE capabilities (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, tags TEXT NOT NULL, peer TEXT NOT NULL, expires_ms INTEGER NOT NULL, vector BLOB NOT NULL);
        CREATE VIRTUAL TABLE words USING fts5 (name, body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 0');
        CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
        CREATE TABLE sums (author TEXT NOT NULL, capability TEXT NOT NULL, sums BLOB NOT NULL, PRIMARY KEY (author, capability)) WITHOUT ROWID;
        CREATE TABLE proofs (author TEXT NOT NULL, capability TEXT NOT NULL, outcomes INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (author, capability)) WITHOUT ROWID;
        CREATE TABLE envelopes (key INTEGER PRIMARY KEY, author TEXT NOT NULL, bytes BLOB NOT NULL);
        CREATE INDEX envelopes_by_author ON envelopes (author);
        CREATE TABLE outcomes (number INTEGER PRIMARY KEY, capability TEXT NOT NULL, terms BLOB NOT NULL, good INTEGER NOT NULL);
        CREATE TABLE embeddings (id TEXT PRIMARY KEY, model TEXT NOT NULL, vector BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        """;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);
    private SqliteTransaction? _transaction;

    private MatrixStore(SqliteConnection connection) => _connection = connection;

    /// <summary>True while there are changes that are not committed.</summary>
    public bool IsDirty => _transaction is not null;

    /// <summary>Opens the file of a data directory, or makes it; a damaged one, or one of another version, is put aside.</summary>
    /// <param name="directory">The data directory; null: everything is in memory and gone with this object.</param>
    /// <param name="replaced">Why a file was put aside; null: none was.</param>
    public static MatrixStore Open(string? directory, out string? replaced)
    {
        replaced = null;
        if (directory is null)
        {
            return Connect(":memory:");
        }

        var path = Path.Combine(directory, FileName);
        Directory.CreateDirectory(directory);
        try
        {
            return Connect(path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)
        {
            replaced = $"it is damaged ({e.Message})";
        }
        catch (NotSupportedException e)
        {
            replaced = e.Message;
        }

        File.Move(path, path + ".aside", overwrite: true);
        File.Delete(path + "-wal");
        File.Delete(path + "-shm");
        return Connect(path);
    }

    /// <summary>Ends the transaction of what was changed since the last call.</summary>
    /// <exception cref="SqliteException">It could not be written, as on a full disk; nothing of it is.</exception>
    public void Commit()
    {
        var transaction = _transaction;
        _transaction = null;
        using (transaction)
        {
            transaction?.Commit();
        }
    }

    /// <summary>Adds one of this peer's own outcomes; the ones before the last <see cref="OwnOutcomes.Capacity"/> go.</summary>
    public void PutOutcome(OwnOutcome outcome)
    {
        Write(
            "INSERT INTO outcomes (capability, terms, good) VALUES ($capability, $terms, $good)",
            ("$capability", outcome.Capability), ("$terms", MemoryMarshal.AsBytes(outcome.Terms.AsSpan()).ToArray()), ("$good", outcome.Good ? 1 : 0));
        Write("DELETE FROM outcomes WHERE number <= (SELECT max(number) FROM outcomes) - $most", ("$most", OwnOutcomes.Capacity));
    }

    /// <summary>Remembers that a run of this peer's own was learnt of; false when it was before.</summary>
    public bool PutRun(string id)
    {
        if (Write("INSERT OR IGNORE INTO runs (id) VALUES ($id)", ("$id", id)) == 0)
        {
            return false;
        }

        Write("DELETE FROM runs WHERE number <= (SELECT max(number) FROM runs) - $most", ("$most", MaxRuns));
        return true;
    }

    /// <summary>This peer's own outcomes.</summary>
    public OwnOutcomes LoadOutcomes()
    {
        var own = new OwnOutcomes();
        using var reader = Read("SELECT capability, terms, good FROM outcomes ORDER BY number");
        while (reader.Read())
        {
            own = own.With(new OwnOutcome(reader.GetString(0), [.. MemoryMarshal.Cast<byte, uint>((byte[])reader[1])], reader.GetInt64(2) != 0));
        }

        return own;
    }

    /// <summary>Writes a number under a name.</summary>
    public void PutCounter(string name, long value) => Write("INSERT OR REPLACE INTO counters VALUES ($name, $value)", ("$name", name), ("$value", value));

    /// <summary>The numbers by their names.</summary>
    public IReadOnlyDictionary<string, long> LoadCounters()
    {
        var counters = new Dictionary<string, long>(StringComparer.Ordinal);
        using var reader = Read("SELECT name, value FROM counters");
        while (reader.Read())
        {
            counters[reader.GetString(0)] = reader.GetInt64(1);
        }

        return counters;
    }

    /// <summary>Changes something, in the open transaction. Returns how many rows it changed.</summary>
    public int Write(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        _transaction ??= _connection.BeginTransaction();
        return Prepared(sql, parameters).ExecuteNonQuery();
    }

    /// <summary>Reads, what was just changed too. Close the reader before the next use of the same statement.</summary>
    public SqliteDataReader Read(string sql, params ReadOnlySpan<(string Name, object Value)> parameters) => Prepared(sql, parameters).ExecuteReader();

    public void Dispose()
    {
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }

        _transaction?.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Prepared(string sql, ReadOnlySpan<(string Name, object Value)> parameters)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            _prepared.Add(sql, command);
        }

        command.Parameters.Clear();
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.Transaction = _transaction;
        return command;
    }

    private static MatrixStore Connect(string path)
    {
        if (path != ":memory:")
        {
            SqliteJournals.KeepPrivate(path);
        }

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000");
            using var shape = connection.CreateCommand();
            shape.CommandText = "PRAGMA user_version";
            var version = (long)shape.ExecuteScalar()!;
            if (version == 0)
            {
                Execute(connection, $"BEGIN; {Schema} PRAGMA user_version = {Version}; COMMIT");
            }
            else if (version != Version)
            {
                throw new NotSupportedException($"it is of version {version}, not {Version}");
            }

            Execute(connection, Additions);

            return new MatrixStore(connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
