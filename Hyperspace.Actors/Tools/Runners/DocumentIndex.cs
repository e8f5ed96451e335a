using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>A passage that a search found.</summary>
/// <param name="File">Path inside the folder, with forward slashes.</param>
/// <param name="Passage">The passage.</param>
/// <param name="Score">Minus SQLite's bm25: higher fits better.</param>
internal sealed record FoundPassage(string File, Passage Passage, double Score);

/// <summary>
/// Full-text index (SQLite FTS5, in memory) over the text files of one folder. It looks at times and lengths at each
/// use and re-reads what changed. Hidden files, links and anything over the limits are left out.
/// </summary>
internal sealed class DocumentIndex : IDisposable
{
    private const int MaxFiles = 5000;
    private const long MaxFileBytes = 2 * 1024 * 1024;
    private const long MaxTotalBytes = 64 * 1024 * 1024;

    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".md", ".markdown", ".txt", ".text", ".rst", ".adoc", ".org" };
    private static readonly EnumerationOptions Walk = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = 16,
        IgnoreInaccessible = true,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint,
    };

    private readonly string _folder;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly SqliteConnection _database;
    private readonly Dictionary<string, Entry> _files = new(StringComparer.Ordinal);
    private long _nextRow = 1;

    public DocumentIndex(string folder)
    {
        _folder = Path.GetFullPath(folder);
        _database = new SqliteConnection("Data Source=:memory:;Pooling=False");
        _database.Open();
        Execute("CREATE VIRTUAL TABLE passages USING fts5(title, heading, body, file UNINDEXED, line UNINDEXED, tokenize='porter unicode61')");
    }

    private sealed record Entry(DateTime Written, long Length, long FirstRow, long Rows);

    /// <summary>The best passages in which all (or any) of <paramref name="words"/> occur.</summary>
    public async Task<IReadOnlyList<FoundPassage>> SearchAsync(IReadOnlyList<string> words, bool all, int limit, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Refresh(cancellationToken);
            using var command = _database.CreateCommand();
            command.CommandText = "SELECT title, heading, body, file, line, -bm25(passages, 4.0, 3.0, 1.0) AS score FROM passages WHERE passages MATCH $query ORDER BY score DESC, file, rowid LIMIT $limit";
            command.Parameters.AddWithValue("$query", string.Join(all ? " AND " : " OR ", words.Select(w => $"\"{w}\"")));
            command.Parameters.AddWithValue("$limit", limit);
            using var rows = command.ExecuteReader();
            var found = new List<FoundPassage>();
            while (rows.Read())
            {
                found.Add(new FoundPassage(rows.GetString(3), new Passage(rows.GetString(0), rows.GetString(1), int.Parse(rows.GetString(4), CultureInfo.InvariantCulture), rows.GetString(2)), rows.GetDouble(5)));
            }

            return found;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The text of a file of this folder, or null when it has no such file. The name is looked up, never used as a path.</summary>
    public async Task<string?> ReadAsync(string file, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Refresh(cancellationToken);
            return _files.ContainsKey(file) ? Decode(Path.Combine(_folder, file)) : null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The files that are indexed.</summary>
    public async Task<IReadOnlyList<string>> FilesAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Refresh(cancellationToken);
            return [.. _files.Keys.Order(StringComparer.Ordinal)];
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        _database.Dispose();
        _gate.Dispose();
    }

    private void Refresh(CancellationToken cancellationToken)
    {
        var seen = new Dictionary<string, FileInfo>(StringComparer.Ordinal);
        long total = 0;
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles("*", Walk).Where(f => Extensions.Contains(f.Extension) && f.Length <= MaxFileBytes))
        {
            total += file.Length;
            if (seen.Count >= MaxFiles || total > MaxTotalBytes)
            {
                break;
            }

            seen[Path.GetRelativePath(_folder, file.FullName).Replace('\\', '/')] = file;
        }

        var changed = seen.Where(f => !_files.TryGetValue(f.Key, out var entry) || entry.Written != f.Value.LastWriteTimeUtc || entry.Length != f.Value.Length).ToList();
        var gone = _files.Keys.Where(f => !seen.ContainsKey(f)).ToList();
        if (changed.Count == 0 && gone.Count == 0)
        {
            return;
        }

        using var transaction = _database.BeginTransaction();
        foreach (var file in gone)
        {
            Remove(file);
        }

        foreach (var (name, file) in changed)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Remove(name);
            Add(name, file);
        }

        transaction.Commit();
    }

    private void Add(string name, FileInfo file)
    {
        var first = _nextRow;
        using var command = _database.CreateCommand();
        command.CommandText = "INSERT INTO passages(rowid, title, heading, body, file, line) VALUES ($row, $title, $heading, $body, $file, $line)";
        foreach (var passage in DocumentText.Split(Path.GetFileName(name), Decode(file.FullName)))
        {
            command.Parameters.Clear();
            command.Parameters.AddWithValue("$row", _nextRow++);
            command.Parameters.AddWithValue("$title", passage.Title);
            command.Parameters.AddWithValue("$heading", passage.Heading);
            command.Parameters.AddWithValue("$body", passage.Text);
            command.Parameters.AddWithValue("$file", name);
            command.Parameters.AddWithValue("$line", passage.Line.ToString(CultureInfo.InvariantCulture));
            command.ExecuteNonQuery();
        }

        _files[name] = new Entry(file.LastWriteTimeUtc, file.Length, first, _nextRow - first);
    }

    private void Remove(string name)
    {
        if (_files.Remove(name, out var entry))
        {
            Execute(string.Create(CultureInfo.InvariantCulture, $"DELETE FROM passages WHERE rowid >= {entry.FirstRow} AND rowid < {entry.FirstRow + entry.Rows}"));
        }
    }

    private void Execute(string sql)
    {
        using var command = _database.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    // A file may grow between the walk and the read, so the read has its own bound.
    private static string Decode(string path)
    {
        using var reader = new StreamReader(path, Encoding.UTF8);
        var buffer = new char[Math.Min(MaxFileBytes, reader.BaseStream.Length)];
        return new string(buffer, 0, reader.ReadBlock(buffer, 0, buffer.Length));
    }
}
