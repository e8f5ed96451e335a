using Hyperspace.Actors.Engine;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>The SQLite file of a peer's experience, and its tables.</summary>
internal static class ExperienceFile
{
    /// <summary>Its name in the data directory.</summary>
    public const string FileName = "learning.db";

    /// <summary>The order of <see cref="KeptTrajectory.BestFirst"/>.</summary>
    public const string BestFirst = "reward DESC, wall_ms DESC, counter DESC, id";

    private const int Version = 1;

    // What is looked through is apart from the envelopes, and lies together by task type.
    private const string Schema =
        """
        CREATE TABLE task_types (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE authors (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE runs (
          task_type INTEGER NOT NULL, id BLOB NOT NULL, author INTEGER NOT NULL, own INTEGER NOT NULL, goal BLOB NOT NULL, shape BLOB NOT NULL, reward REAL NOT NULL,
          wall_ms INTEGER NOT NULL, counter INTEGER NOT NULL, pool INTEGER NOT NULL, size INTEGER NOT NULL, place INTEGER NOT NULL, body BLOB,
          PRIMARY KEY (task_type, id)) WITHOUT ROWID;
        CREATE INDEX runs_with_body ON runs (body) WHERE body IS NOT NULL;
        CREATE TABLE envelopes (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
        CREATE TABLE bodies (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, own INTEGER NOT NULL, bytes BLOB NOT NULL);
        """;

    // Came later; a program that does not know it leaves it alone.
    private const string Additions =
        """
        CREATE TABLE IF NOT EXISTS unfinished (number INTEGER PRIMARY KEY, task_type INTEGER NOT NULL, id BLOB NOT NULL, context TEXT, session TEXT, UNIQUE (task_type, id));
        CREATE TABLE IF NOT EXISTS attempts (
          task_type INTEGER NOT NULL, goal BLOB NOT NULL, tries INTEGER NOT NULL, successes INTEGER NOT NULL, latest INTEGER NOT NULL, PRIMARY KEY (task_type, goal)) WITHOUT ROWID;
        """;

    // The column came later than its table.
    private const string HasSession = "SELECT count(*) FROM pragma_table_info('unfinished') WHERE name = 'session'";

    /// <summary>Makes the file unless it is there; only its owner can read it.</summary>
    /// <exception cref="InvalidDataException">The file is of a later version.</exception>
    public static void Prepare(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        SqliteJournals.KeepPrivate(path);
        using var connection = OpenToWrite(path);
        using var version = Command(connection, "PRAGMA user_version");
        switch ((long)version.ExecuteScalar()!)
        {
            case 0:
                using (var make = Command(connection, $"PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; {Schema} PRAGMA user_version = {Version}; COMMIT"))
                {
                    make.ExecuteNonQuery();
                }

                break;
            case > Version:
                throw new InvalidDataException($"{FileName} was written by a later version of this program; use that one, or another data directory.");
        }

        using var add = Command(connection, Additions);
        add.ExecuteNonQuery();
        using var has = Command(connection, HasSession);
        if ((long)has.ExecuteScalar()! == 0)
        {
            using var session = Command(connection, "ALTER TABLE unfinished ADD COLUMN session TEXT");
            session.ExecuteNonQuery();
        }
    }

    /// <summary>The connection of the one writer.</summary>
    public static SqliteConnection OpenToWrite(string path) => Open(
        new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }, "PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY");

    /// <summary>A connection for a reader.</summary>
    public static SqliteConnection OpenToRead(string path) => Open(ReadOnly(path), "PRAGMA busy_timeout=30000; PRAGMA temp_store=MEMORY");

    /// <summary>Closes what readers left in the pool, so that the file can be removed.</summary>
    public static void Release(string path)
    {
        using var pooled = new SqliteConnection(ReadOnly(path).ToString());
        SqliteConnection.ClearPool(pooled);
    }

    /// <summary>A command with its parameters.</summary>
    public static SqliteCommand Command(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    /// <summary>The numbers of those authors of a task type's runs that <paramref name="isProven"/> holds for, as a JSON array for <c>json_each</c>.</summary>
    public static string Proven(SqliteConnection connection, SqliteTransaction? transaction, long taskType, Func<string, bool>? isProven)
    {
        var numbers = new List<long>();
        if (isProven is not null)
        {
            using var authors = Command(connection, "SELECT number, name FROM authors WHERE number IN (SELECT author FROM runs WHERE task_type = $type AND own = 0)", ("$type", taskType));
            authors.Transaction = transaction;
            using var rows = authors.ExecuteReader();
            while (rows.Read())
            {
                if (isProven(rows.GetString(1)))
                {
                    numbers.Add(rows.GetInt64(0));
                }
            }
        }

        return $"[{string.Join(',', numbers)}]";
    }

    private static SqliteConnectionStringBuilder ReadOnly(string path) => new() { DataSource = path, Mode = SqliteOpenMode.ReadOnly };

    private static SqliteConnection Open(SqliteConnectionStringBuilder settings, string pragmas)
    {
        var connection = new SqliteConnection(settings.ToString());
        try
        {
            connection.Open();
            using var command = Command(connection, pragmas);
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
