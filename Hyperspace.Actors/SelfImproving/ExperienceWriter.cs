using System.Collections.Immutable;
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

    // As many as one comparison brings; 32 bytes each.
    private const int GaveWayPerTaskType = Reconciliation.MaxWanted;
    private const int MaxGaveWay = 8 * GaveWayPerTaskType;

    private readonly SqliteConnection _file;
    private readonly string _self;
    private readonly ExperienceLimits _limits;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _insertEnvelope;
    private readonly Dictionary<string, long> _taskTypes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _authors = new(StringComparer.Ordinal);
    private readonly Dictionary<(long TaskType, bool Own), Share> _shares = [];
    private SqliteTransaction? _transaction;
    private volatile ImmutableDictionary<long, LatestIds> _gaveWay = ImmutableDictionary<long, LatestIds>.Empty;

    // Above this many a task type gives way, because all together are over their bound.
    private int _level;

    public ExperienceWriter(SqliteConnection file, string self, ExperienceLimits limits)
    {
        _file = file;
        _self = self;
        _limits = limits;
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
    }

    private sealed record Share(long Records, long Bytes, long AddedSinceCut);

    /// <summary>The ids of the runs of a task type that gave way since the start, the latest of them. Safe from any thread.</summary>
    public IdSet GaveWay(long taskType) => _gaveWay.GetValueOrDefault(taskType)?.All ?? IdSet.Empty;

    /// <summary>Begins a transaction.</summary>
    public void Begin() => _transaction = _insert.Transaction = _insertEnvelope.Transaction = _file.BeginTransaction();

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
        _transaction!.Commit();
        End();
    }

    /// <summary>Forgets what was done since <see cref="Begin"/>.</summary>
    public void RollBack()
    {
        _transaction?.Dispose();
        End();
        _taskTypes.Clear();
        _authors.Clear();
        Count();
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

    private bool _addedBodies;

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
    }

    /// <summary>
    /// Keeps the runs of a task type within its bounds: everyone's best run comes before anyone's second, so a flood of one
    /// author only displaces that author's own. The same set, cut at any times, leaves the same runs.
    /// </summary>
    private void Cut(long taskType, bool own)
    {
        var gone = new List<(byte[] Id, long Place, byte[]? Body, long Size)>();
        using (var ranked = Command(
            $"""
            SELECT id, place, body, size FROM (
              SELECT id, place, body, size, turn, row_number() OVER kept AS position, sum(size) OVER kept AS bytes FROM (
                SELECT *, row_number() OVER (PARTITION BY author ORDER BY {ExperienceFile.BestFirst}) AS turn FROM runs WHERE task_type = $type AND own = $own)
              WINDOW kept AS (ORDER BY turn, {ExperienceFile.BestFirst} ROWS UNBOUNDED PRECEDING))
            WHERE (turn > $perAuthor OR position > $records OR bytes > $bytes) AND id NOT IN (SELECT id FROM unfinished WHERE task_type = $type)
            """,
            ("$type", taskType), ("$own", own ? 1 : 0), ("$perAuthor", own ? _limits.RecordsPerTaskType : _limits.RecordsPerAuthor), ("$records", own ? _limits.RecordsPerTaskType : _level), ("$bytes", _limits.BytesPerTaskType)))
        {
            using var rows = ranked.ExecuteReader();
            while (rows.Read())
            {
                gone.Add(((byte[])rows.GetValue(0), rows.GetInt64(1), rows.IsDBNull(2) ? null : (byte[])rows.GetValue(2), rows.GetInt64(3)));
            }
        }

        foreach (var (id, place, body, _) in gone)
        {
            using var forget = Command(
                "DELETE FROM runs WHERE task_type = $type AND id = $id; DELETE FROM envelopes WHERE place = $place; DELETE FROM bodies WHERE hash = $body AND NOT EXISTS (SELECT 1 FROM runs WHERE body = $body)",
                ("$type", taskType), ("$id", id), ("$place", place), ("$body", (object?)body ?? DBNull.Value));
            forget.ExecuteNonQuery();
        }

        Remember(taskType, IdSet.Of(gone.Select(run => run.Id)));
        if (own)
        {
            CutAttempts(taskType);
        }

        var share = _shares[(taskType, own)];
        _shares[(taskType, own)] = new Share(share.Records - gone.Count, share.Bytes - gone.Sum(run => run.Size), 0);
    }

    // Before the commit, so that nobody sees the runs gone and does not find them here. Of a restart it is forgotten, as other bounds may hold then.
    private void Remember(long taskType, IdSet gone)
    {
        var all = _gaveWay.SetItem(taskType, (_gaveWay.GetValueOrDefault(taskType) ?? LatestIds.None(GaveWayPerTaskType)).Add(gone));
        while (all.Count > 1 && all.Sum(ids => (long)ids.Value.All.Count) > MaxGaveWay)
        {
            all = all.Remove(all.MaxBy(ids => ids.Value.All.Count).Key);
        }

        _gaveWay = all;
    }

    /// <summary>When the others' runs are over their bound together, the task types with most of them are cut to one level.</summary>
    private void KeepLevel()
    {
        var shares = _shares.Where(share => !share.Key.Own).ToList();
        if (shares.Sum(share => share.Value.Records) <= _limits.Records + (_limits.Records / 16))
        {
            return;
        }

        var left = (long)_limits.Records;
        var still = shares.Count;
        foreach (var records in shares.Select(share => share.Value.Records).Order())
        {
            if (records * still > left)
            {
                break;
            }

            left -= records;
            still--;
        }

        _level = (int)Math.Clamp(left / Math.Max(1, still), 1, _limits.RecordsPerTaskType);
        foreach (var share in shares.Where(share => share.Value.Records > _level))
        {
            Cut(share.Key.TaskType, own: false);
        }
    }

    /// <summary>The oldest of the others' bodies give way; their runs stay.</summary>
    private void CutBodies()
    {
        if (!_addedBodies)
        {
            return;
        }

        using var cut = Command(
            "DELETE FROM bodies WHERE number IN (SELECT number FROM (SELECT number, sum(length(bytes)) OVER (ORDER BY number DESC) AS total FROM bodies WHERE own = 0) WHERE total > $most)",
            ("$most", _limits.BodyBytes));
        cut.ExecuteNonQuery();
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

        return known[name] = (long)find.ExecuteScalar()!;
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = ExperienceFile.Command(_file, sql, parameters);
        command.Transaction = _transaction;
        return command;
    }
}
