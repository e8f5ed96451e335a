using System.Data.Common;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Akka.Persistence.Sql.Config;
using LinqToDB;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Engine;

/// <summary>The journals and snapshot stores of <see cref="Journals"/> on SQLite files in the data directory, through Akka.Persistence.Sql.</summary>
internal static class SqliteJournals
{
    /// <summary>Everything but money.</summary>
    public const string DefaultFile = "journal.db";

    /// <summary>Channels and ledgers.</summary>
    public const string PaymentsFile = "payments.db";

    public static AkkaConfigurationBuilder WithSqliteJournals(this AkkaConfigurationBuilder builder, string dataDirectory)
    {
        Directory.CreateDirectory(dataDirectory);
        KeepPrivate(Path.Combine(dataDirectory, PaymentsFile));
        KeepPrivate(Path.Combine(dataDirectory, DefaultFile));
        var payments = ConnectionString(dataDirectory, PaymentsFile);
        var rest = ConnectionString(dataDirectory, DefaultFile);
        SwitchToWriteAheadLog(payments);
        SwitchToWriteAheadLog(rest);
        return builder
            .AddSetup(Connections(dataDirectory))
            .AddHocon(Settings(), HoconAddMode.Prepend)
            .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append)
            .AddStartup((system, _) => system.RegisterOnTermination(() => ReleaseFiles(payments, rest)));
    }

    /// <summary>How each plugin connects: money's commits are on disk before they return.</summary>
    internal static MultiDataOptionsSetup Connections(string dataDirectory)
    {
        var payments = Connect(ConnectionString(dataDirectory, PaymentsFile), "FULL");
        var rest = Connect(ConnectionString(dataDirectory, DefaultFile), "NORMAL");
        var setup = new MultiDataOptionsSetup();
        setup.AddDataOptions(Journals.Default, rest);
        setup.AddDataOptions(Journals.DefaultSnapshots, rest);
        setup.AddDataOptions(Journals.Payments, payments);
        setup.AddDataOptions(Journals.PaymentsSnapshots, payments);
        return setup;
    }

    private static string ConnectionString(string dataDirectory, string file) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, file) }.ToString();

    private static DataOptions Connect(string connection, string synchronous)
    {
        // SQLite's own wait for a lock begins at 1 ms; the client library's, for which there is none, sleeps 150 ms.
        var pragma = $"PRAGMA synchronous={synchronous}; PRAGMA busy_timeout=30000";
        return new DataOptions()
            .UseConnectionString(ProviderName.SQLiteMS, connection)
            .UseAfterConnectionOpened(
                opened => Execute(opened, pragma),
                (opened, _) =>
                {
                    Execute(opened, pragma);
                    return Task.CompletedTask;
                });
    }

    // They hold what was said in sessions and what MCP servers are given as environment. SQLite gives the files that it
    // adds the mode of the first.
    internal static void KeepPrivate(string file)
    {
        PrivateFiles.Touch(file);
        PrivateFiles.Close(file + "-wal");
        PrivateFiles.Close(file + "-shm");
    }

    // The mode is a property of the file: once is enough.
    private static void SwitchToWriteAheadLog(string connection)
    {
        using var file = new SqliteConnection(connection);
        file.Open();
        Execute(file, "PRAGMA journal_mode=WAL");
    }

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void ReleaseFiles(params ReadOnlySpan<string> connections)
    {
        foreach (var connection in connections)
        {
            using var pooled = new SqliteConnection(connection);
            SqliteConnection.ClearPool(pooled);
        }
    }

    // Tags in a column: the tag table is scanned per row. One writer: SQLite has one anyway, and batches grow.
    private static Config Settings() => ConfigurationFactory.ParseString(
        $$"""
        akka.persistence {
          journal.plugin = "{{Journals.Default}}"
          snapshot-store.plugin = "{{Journals.DefaultSnapshots}}"
          journal.auto-start-journals = ["{{Journals.Default}}", "{{Journals.Payments}}"]
          snapshot-store.auto-start-snapshot-stores = ["{{Journals.DefaultSnapshots}}", "{{Journals.PaymentsSnapshots}}"]
          query.journal.sql.tag-read-mode = Csv
        }
        {{Journal(Journals.Default)}}
        {{Journal(Journals.Payments)}}
        {{SnapshotStore(Journals.DefaultSnapshots)}}
        {{SnapshotStore(Journals.PaymentsSnapshots)}}
        """);

    private static string Journal(string id) =>
        $$"""
        {{id}} {
          class = "Akka.Persistence.Sql.Journal.SqlWriteJournal, Akka.Persistence.Sql"
          plugin-dispatcher = "akka.persistence.dispatchers.default-plugin-dispatcher"
          plugin-id = "{{id}}"
          provider-name = "{{ProviderName.SQLiteMS}}"
          tag-write-mode = Csv
          parallelism = 1
          {{DeferredReads}}
        }
        """;

    private static string SnapshotStore(string id) =>
        $$"""
        {{id}} {
          class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
          plugin-dispatcher = "akka.persistence.dispatchers.default-plugin-dispatcher"
          plugin-id = "{{id}}"
          provider-name = "{{ProviderName.SQLiteMS}}"
          {{DeferredReads}}
        }
        """;

    // The client library begins every other transaction IMMEDIATE: each recovery would wait for the one write lock. In WAL
    // mode without a shared cache a reader sees a snapshot all the same.
    private const string DeferredReads = "read-isolation-level = read-uncommitted";
}
