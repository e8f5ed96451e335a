using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.Wire;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Tests.Loop;

/// <summary>What a peer's data directory holds of what it learnt, read beside the peer.</summary>
internal static class LearnerFiles
{
    /// <summary>Copies the databases of a dead peer, as the next process will find them; SQLite recovers the copies, not what the peer is to recover itself.</summary>
    public static void Copy(string dataDirectory, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(dataDirectory, "*.db*").Where(file => !file.EndsWith("-shm", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
    }

    public static string CheckIntegrity(string directory, string file)
    {
        using var connection = Open(directory, file, SqliteOpenMode.ReadWrite);
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        return (string)command.ExecuteScalar()!;
    }

    /// <summary>Ids of the runs that the peer itself recorded.</summary>
    public static HashSet<string> OwnRuns(string directory) =>
        [.. Read(directory, ExperienceFile.FileName, "SELECT id FROM runs WHERE own = 1", row => Convert.ToHexStringLower((byte[])row[0]))];

    /// <summary>What the author's outcomes add up to, by capability.</summary>
    public static IReadOnlyDictionary<string, OutcomeSums> Sums(string directory, string author) =>
        Read(directory, MatrixStore.FileName, $"SELECT capability, sums FROM sums WHERE author = '{author}'", row => (Capability: (string)row[0], Sums: OutcomeSums.FromWire(MatrixSums.Parser.ParseFrom((byte[])row[1]))!))
            .ToDictionary(row => row.Capability, row => row.Sums, StringComparer.Ordinal);

    private static List<T> Read<T>(string directory, string file, string sql, Func<SqliteDataReader, T> read)
    {
        using var connection = Open(directory, file, SqliteOpenMode.ReadWrite);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var found = new List<T>();
        while (rows.Read())
        {
            found.Add(read(rows));
        }

        return found;
    }

    private static SqliteConnection Open(string directory, string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, file), Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
