using System.Collections.Immutable;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Cutting what is over a bound.</summary>
internal sealed partial class ExperienceWriter
{
    // As many as one comparison brings; 32 bytes each.
    private const int GaveWayPerTaskType = Reconciliation.MaxWanted;
    private const int MaxGaveWay = 8 * GaveWayPerTaskType;

    private volatile ImmutableDictionary<long, LatestIds> _gaveWay = ImmutableDictionary<long, LatestIds>.Empty;

    // Above this many a task type gives way, because all together are over their bound.
    private int _level;

    /// <summary>The ids of the runs of a task type that gave way since the start, the latest of them. Safe from any thread.</summary>
    public IdSet GaveWay(long taskType) => _gaveWay.GetValueOrDefault(taskType)?.All ?? IdSet.Empty;

    /// <summary>
    /// Keeps the runs of a task type within its bounds: everyone's best run comes before anyone's second, so a flood of one
    /// author only displaces that author's own. Half of the room is for authors whose word counts here, however many strangers
    /// come. The same set, cut at any times, leaves the same runs while the same authors' word counts.
    /// </summary>
    private void Cut(long taskType, bool own)
    {
        var gone = new List<(byte[] Id, long Place, byte[]? Body, long Size)>();
        using (var ranked = Command(
            $"""
            SELECT id, place, body, size FROM (
              SELECT id, place, body, size, turn, row_number() OVER kept AS position, sum(size) OVER kept AS bytes FROM (
                SELECT *, row_number() OVER standing AS at, sum(size) OVER standing AS standing_bytes FROM (
                  SELECT *, row_number() OVER (PARTITION BY author ORDER BY {ExperienceFile.BestFirst}) AS turn, author IN (SELECT value FROM json_each($proven)) AS proven
                  FROM runs WHERE task_type = $type AND own = $own)
                WINDOW standing AS (PARTITION BY proven ORDER BY turn, {ExperienceFile.BestFirst} ROWS UNBOUNDED PRECEDING))
              WINDOW kept AS (ORDER BY (proven AND at <= $records / 2 AND standing_bytes <= $bytes / 2) DESC, turn, {ExperienceFile.BestFirst} ROWS UNBOUNDED PRECEDING))
            WHERE (turn > $perAuthor OR position > $records OR bytes > $bytes) AND id NOT IN (SELECT id FROM unfinished WHERE task_type = $type)
            """,
            ("$type", taskType), ("$own", own ? 1 : 0), ("$proven", own ? "[]" : ExperienceFile.Proven(_file, _transaction, taskType, _isProven)), ("$perAuthor", own ? _limits.RecordsPerTaskType : _limits.RecordsPerAuthor), ("$records", own ? _limits.RecordsPerTaskType : _level), ("$bytes", _limits.BytesPerTaskType)))
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

    /// <summary>Identities cost nothing: those without runs are forgotten once as many may have come as a task type has runs.</summary>
    private void ForgetAuthors()
    {
        using var forget = Command("DELETE FROM authors WHERE number NOT IN (SELECT author FROM runs)");
        forget.ExecuteNonQuery();
        _authors.Clear();
        _newAuthors = 0;
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
}
