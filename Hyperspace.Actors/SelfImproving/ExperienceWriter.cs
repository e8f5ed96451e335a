using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// What the one writer of the experience does inside a transaction; for one thread at a time. The bounds hold with a
/// little slack, so that the rows of a task type are ranked once for many that come in.
/// </summary>
internal sealed partial class ExperienceWriter : IDisposable
{
    private const int MaxKnownAuthors = 16_384;

    private readonly SqliteConnection _file;
    private readonly string _self;
    private readonly ExperienceLimits _limits;
    private readonly Func<string, bool>? _isProven;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _insertEnvelope;
    private readonly Dictionary<string, long> _taskTypes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _authors = new(StringComparer.Ordinal);
    private readonly Dictionary<(long TaskType, bool Own), Share> _shares = [];
    private SqliteTransaction? _transaction;
    private bool _isCounted;
    private bool _addedBodies;
    private int _newAuthors;

    public ExperienceWriter(SqliteConnection file, string self, ExperienceLimits limits, Func<string, bool>? isProven)
    {
        _file = file;
        _self = self;
        _limits = limits;
        _isProven = isProven;
        _insert = ExperienceFile.Command(
            file, "INSERT OR IGNORE INTO runs VALUES ($type, $id, $author, $own, $goal, $shape, $reward, $wall, $counter, $pool, $size, (SELECT coalesce(max(place), 0) + 1 FROM envelopes), $body)");
        foreach (var name in (ReadOnlySpan<string>)["$type", "$id", "$author", "$own", "$goal", "$shape", "$reward", "$wall", "$counter", "$pool", "$size", "$body"])
        {
            _insert.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        _insertEnvelope = ExperienceFile.Command(file, "INSERT INTO envelopes (bytes) VALUES ($bytes)");
        _insertEnvelope.Parameters.Add(new SqliteParameter { ParameterName = "$bytes" });
        _level = limits.RecordsPerTaskType;
        Count();
        ForgetAuthors();
    }

    private sealed record Share(long Records, long Bytes, long AddedSinceCut);

    /// <summary>Begins a transaction.</summary>
    public void Begin()
    {
        if (!_isCounted)
        {
            Count();
        }

        _transaction = _insert.Transaction = _insertEnvelope.Transaction = _file.BeginTransaction();
    }

    /// <summary>Cuts what is over a bound, and commits.</summary>
    public void Commit()
    {
        foreach (var ((taskType, own), share) in _shares.ToList())
        {
            var slack = Math.Max(1, Math.Min(own ? _limits.RecordsPerTaskType : _level, _limits.RecordsPerAuthor) / 16);
            if (share.AddedSinceCut >= slack)
            {
                Cut(taskType, own);
            }
        }

        KeepLevel();
        CutBodies();
        if (_newAuthors >= _limits.RecordsPerTaskType)
        {
            ForgetAuthors();
        }

        _transaction!.Commit();
        End();
    }

    /// <summary>Forgets what was done since <see cref="Begin"/>. What there is, is counted by the next one.</summary>
    public void RollBack()
    {
        _isCounted = false;
        _taskTypes.Clear();
        _authors.Clear();
        var transaction = _transaction;
        End();
        transaction?.Dispose();
    }

    /// <summary>Adds a run; false when it is there already.</summary>
    public bool Add(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunBody? body)
    {
        var type = NumberOf("task_types", _taskTypes, taskType);
        var own = run.Author == _self;
        var values = _insert.Parameters;
        values["$type"].Value = type;
        values["$id"].Value = Convert.FromHexString(run.Id);
        values["$author"].Value = NumberOf("authors", _authors, run.Author);
        values["$own"].Value = own ? 1 : 0;
        values["$goal"].Value = Convert.FromHexString(run.Goal);
        values["$shape"].Value = Convert.FromHexString(run.Shape);
        values["$reward"].Value = run.Reward;
        values["$wall"].Value = (long)run.Time.WallMs;
        values["$counter"].Value = (long)run.Time.Counter;
        values["$pool"].Value = (int)run.Pool;
        values["$size"].Value = run.Size;
        values["$body"].Value = run.BodyHash is { } hash ? Convert.FromHexString(hash) : DBNull.Value;
        if (_insert.ExecuteNonQuery() == 0)
        {
            return false;
        }

        _insertEnvelope.Parameters[0].Value = envelope.Bytes.ToArray();
        _insertEnvelope.ExecuteNonQuery();
        var share = _shares.GetValueOrDefault((type, own)) ?? new Share(0, 0, 0);
        _shares[(type, own)] = new Share(share.Records + 1, share.Bytes + run.Size, share.AddedSinceCut + 1);
        if (body is not null)
        {
            AddBody(body);
        }

        return true;
    }

    /// <summary>Adds a run from which something is to follow; false when it is there already.</summary>
    public bool Record(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunOrigin origin, RunBody? body)
    {
        if (!Add(taskType, envelope, run, body))
        {
            return false;
        }

        using var unfinished = Command(
            "INSERT INTO unfinished (task_type, id, context, session) VALUES ($type, $id, $context, $session)",
            ("$type", NumberOf("task_types", _taskTypes, taskType)), ("$id", Convert.FromHexString(run.Id)), ("$context", (object?)origin.ContextId ?? DBNull.Value), ("$session", (object?)origin.SessionId ?? DBNull.Value));
        unfinished.ExecuteNonQuery();
        if (run.Tries > 0)
        {
            KeepAttempts(NumberOf("task_types", _taskTypes, taskType), run);
        }

        return true;
    }

    /// <summary>Everything has followed from a run; false when that was known.</summary>
    public bool Finish(string taskType, string id)
    {
        using var finish = Command(
            "DELETE FROM unfinished WHERE task_type = $type AND id = $id", ("$type", NumberOf("task_types", _taskTypes, taskType)), ("$id", Convert.FromHexString(id)));
        return finish.ExecuteNonQuery() > 0;
    }

    /// <summary>Adds a body that a kept run names; false when none does.</summary>
    public bool AddBody(RunBody body)
    {
        var hash = Convert.FromHexString(body.Hash);
        using var owner = Command("SELECT max(own) FROM runs WHERE body = $hash", ("$hash", hash));
        if (owner.ExecuteScalar() is not long own)
        {
            return false;
        }

        using var add = Command("INSERT OR IGNORE INTO bodies (hash, own, bytes) VALUES ($hash, $own, $bytes)", ("$hash", hash), ("$own", own), ("$bytes", body.Bytes.ToArray()));
        _addedBodies |= add.ExecuteNonQuery() > 0;
        return true;
    }

    public void Dispose()
    {
        _insert.Dispose();
        _insertEnvelope.Dispose();
        _file.Dispose();
    }

    private void End()
    {
        _transaction = _insert.Transaction = _insertEnvelope.Transaction = null;
        _addedBodies = false;
    }

    private void Count()
    {
        _shares.Clear();
        using var count = Command("SELECT task_type, own, count(*), sum(size) FROM runs GROUP BY task_type, own");
        using var rows = count.ExecuteReader();
        while (rows.Read())
        {
            _shares[(rows.GetInt64(0), rows.GetInt64(1) != 0)] = new Share(rows.GetInt64(2), rows.GetInt64(3), 0);
        }

        _isCounted = true;
    }

    private long NumberOf(string table, Dictionary<string, long> known, string name)
    {
        if (known.TryGetValue(name, out var number))
        {
            return number;
        }

        using var find = Command($"INSERT OR IGNORE INTO {table} (name) VALUES ($name); SELECT number FROM {table} WHERE name = $name", ("$name", name));
        if (known.Count >= MaxKnownAuthors)
        {
            known.Clear();
        }

        _newAuthors += ReferenceEquals(known, _authors) ? 1 : 0;

        return known[name] = (long)find.ExecuteScalar()!;
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = ExperienceFile.Command(_file, sql, parameters);
        command.Transaction = _transaction;
        return command;
    }
}
