using System.Threading.Channels;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.SelfImproving;

/// <summary><see cref="IExperienceStore"/> on an SQLite file: one writer that commits what waits together, and a few readers beside it.</summary>
internal sealed class ExperienceStore : IExperienceStore
{
    private const int MaxWaiting = 8_192;
    private const long MaxWaitingBytes = 64L << 20;
    private const int MaxBatch = 1_024;
    private const int MaxReaders = 4;

    private readonly Channel<Write> _writes = Channel.CreateBounded<Write>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly SemaphoreSlim _readers = new(MaxReaders);
    private readonly string _path;
    private readonly int _recordsPerAuthor;
    private readonly Func<string, bool>? _isProven;
    private readonly ILogger _log;
    private readonly Func<ExperienceWriter> _open;
    private readonly Task _writing;

    // Null after a failure that it could not take back; the next batch opens another one.
    private volatile ExperienceWriter? _writer;

    private long _waitingBytes;

    /// <summary>Opens or makes the file in the data directory.</summary>
    /// <param name="dataDirectory">Where it lies.</param>
    /// <param name="self">The peer id of whose runs are one's own.</param>
    /// <param name="limits">The bounds.</param>
    /// <param name="log">Told when the disk refuses.</param>
    /// <param name="isProven">Whether an author's word counts here, at the moment; null: nobody's does more than another's.</param>
    public ExperienceStore(string dataDirectory, string self, ExperienceLimits limits, ILogger log, Func<string, bool>? isProven = null)
    {
        _path = Path.Combine(dataDirectory, ExperienceFile.FileName);
        _recordsPerAuthor = limits.RecordsPerAuthor;
        _isProven = isProven;
        _log = log;
        ExperienceFile.Prepare(_path);
        _open = () => new ExperienceWriter(ExperienceFile.OpenToWrite(_path), self, limits, isProven);
        _writer = _open();
        _writing = Task.Factory.StartNew(WriteAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private sealed record Write(int Bytes, Func<ExperienceWriter, bool> Do, TaskCompletionSource<KeepOutcome> Done);

    public Task<KeepOutcome> KeepAsync(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunBody? body = null) =>
        EnqueueAsync(envelope.Bytes.Length + (body?.Bytes.Length ?? 0), writer => writer.Add(taskType, envelope, run, body));

    public Task<KeepOutcome> RecordAsync(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunOrigin origin, RunBody? body) =>
        EnqueueAsync(envelope.Bytes.Length + (body?.Bytes.Length ?? 0), writer => writer.Record(taskType, envelope, run, origin, body));

    public Task<KeepOutcome> FinishAsync(string taskType, string id) => EnqueueAsync(0, writer => writer.Finish(taskType, id));

    public Task<IReadOnlyList<UnfinishedRun>> UnfinishedAsync(string taskType) => ReadAsync<IReadOnlyList<UnfinishedRun>>(file =>
    {
        using var command = ExperienceFile.Command(
            file,
            """
            SELECT id, bytes, context, session FROM unfinished JOIN runs USING (task_type, id) JOIN envelopes USING (place)
            WHERE task_type = (SELECT number FROM task_types WHERE name = $type) ORDER BY unfinished.number
            """,
            ("$type", taskType));
        using var rows = command.ExecuteReader();
        var found = new List<UnfinishedRun>();
        while (rows.Read())
        {
            found.Add(new UnfinishedRun(Envelope(rows), new RunOrigin(rows.IsDBNull(2) ? null : rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3))));
        }

        return found;
    });

    public Task<IReadOnlyList<string>> UnfinishedTaskTypesAsync() => ReadAsync<IReadOnlyList<string>>(file =>
    {
        using var command = ExperienceFile.Command(file, "SELECT name FROM task_types WHERE number IN (SELECT task_type FROM unfinished) ORDER BY name");
        using var rows = command.ExecuteReader();
        var names = new List<string>();
        while (rows.Read())
        {
            names.Add(rows.GetString(0));
        }

        return names;
    });

    public Task<GoalAttempts> AttemptsAsync(string taskType) => ReadAsync(file =>
    {
        using var command = ExperienceFile.Command(
            file,
            """
            SELECT goal, tries, successes FROM (
              SELECT * FROM attempts WHERE task_type = (SELECT number FROM task_types WHERE name = $type) ORDER BY latest DESC, goal LIMIT $most) ORDER BY latest, goal DESC
            """,
            ("$type", taskType), ("$most", GoalAttempts.MaxGoals));
        using var rows = command.ExecuteReader();
        var attempts = GoalAttempts.None;
        while (rows.Read())
        {
            attempts = attempts.With(Convert.ToHexStringLower((byte[])rows.GetValue(0)), new Attempts((uint)rows.GetInt64(1), (uint)rows.GetInt64(2)));
        }

        return attempts;
    });

    public async Task<bool> KeepBodyAsync(RunBody body) => await EnqueueAsync(body.Bytes.Length, writer => writer.AddBody(body)).ConfigureAwait(false) == KeepOutcome.Kept;

    public Task<IReadOnlyList<SignedEnvelope>> LoadAsync(string taskType, TrajectoryLimits limits) => ReadAsync(file =>
    {
        if (NumberOf(file, taskType) is not { } number)
        {
            return [];
        }

        // The turns of TrajectoryState, over the columns alone.
        using var command = ExperienceFile.Command(
            file,
            $"""
            WITH mine AS (SELECT *, size > $small AS large, iif(own, 2, author IN (SELECT value FROM json_each($proven))) AS standing FROM runs WHERE task_type = $type),
              shapes AS (SELECT *, row_number() OVER (PARTITION BY standing, pool, large, author, goal, shape ORDER BY {ExperienceFile.BestFirst}) AS shape_turn FROM mine),
              goals AS (SELECT *, row_number() OVER (PARTITION BY standing, pool, large, author, goal ORDER BY shape_turn, {ExperienceFile.BestFirst}) AS goal_turn FROM shapes),
              authors AS (SELECT *, row_number() OVER (PARTITION BY standing, pool, large, author ORDER BY goal_turn, shape_turn, {ExperienceFile.BestFirst}) AS author_turn FROM goals WHERE goal_turn <= $perGoal),
              pools AS (SELECT id, place, pool, large, row_number() OVER (PARTITION BY standing, pool, large ORDER BY author_turn, goal_turn, shape_turn, {ExperienceFile.BestFirst}) AS turn FROM authors)
            SELECT id, bytes FROM pools JOIN envelopes USING (place)
            WHERE turn <= CASE pool WHEN {(int)RunPool.Runs} THEN iif(large, $largeRuns, $runs) WHEN {(int)RunPool.Failures} THEN iif(large, $largeFailures, $failures) ELSE iif(large, $largeRepairs, $repairs) END
            """,
            ("$type", number), ("$proven", ExperienceFile.Proven(file, null, number, _isProven)), ("$small", limits.SmallBytes), ("$perGoal", limits.PerGoal),
            ("$runs", limits.Runs), ("$failures", limits.Failures), ("$repairs", limits.Repairs),
            ("$largeRuns", limits.LargeRuns), ("$largeFailures", limits.LargeFailures), ("$largeRepairs", limits.LargeRepairs));
        return Envelopes(command);
    });

    public Task<RunIds> IdsAsync(string taskType) => ReadAsync(file =>
    {
        using var named = ExperienceFile.Command(
            file,
            $"""
            WITH mine AS (SELECT number FROM task_types WHERE name = $type)
            SELECT id FROM runs WHERE task_type = (SELECT number FROM mine) AND (own = 0 OR id NOT IN (
              SELECT id FROM runs WHERE task_type = (SELECT number FROM mine) AND own = 1 ORDER BY {ExperienceFile.BestFirst} LIMIT -1 OFFSET $perAuthor))
            ORDER BY id
            """,
            ("$type", taskType), ("$perAuthor", _recordsPerAuthor));
        using var own = ExperienceFile.Command(file, "SELECT id FROM runs WHERE task_type = (SELECT number FROM task_types WHERE name = $type) AND own = 1 ORDER BY id", ("$type", taskType));
        var ids = Ids(named);
        var held = ids.With(Ids(own));

        // Asked last: what gives way meanwhile is in one of both.
        return new RunIds(ids, NumberOf(file, taskType) is { } type ? held.With(_writer?.GaveWay(type) ?? IdSet.Empty) : held);
    });

    public Task<(IReadOnlyList<SignedEnvelope> Found, int LookedFor)> FindAsync(string taskType, IReadOnlyList<byte[]> ids, int maxBytes) => ReadAsync(file =>
    {
        using var command = ExperienceFile.Command(
            file, "SELECT id, bytes FROM runs JOIN envelopes USING (place) WHERE task_type = (SELECT number FROM task_types WHERE name = $type) AND id = $id", ("$type", taskType), ("$id", DBNull.Value));
        var found = new List<SignedEnvelope>();
        for (var i = 0; i < ids.Count; i++)
        {
            command.Parameters["$id"].Value = ids[i];
            var one = Envelopes(command);
            maxBytes -= one.Sum(envelope => envelope.Bytes.Length);
            if (maxBytes < 0 && found.Count > 0)
            {
                return ((IReadOnlyList<SignedEnvelope>)found, i);
            }

            found.AddRange(one);
        }

        return (found, ids.Count);
    });

    public Task<ReadOnlyMemory<byte>?> BodyAsync(string hash) => ReadAsync<ReadOnlyMemory<byte>?>(file =>
    {
        using var command = ExperienceFile.Command(file, "SELECT bytes FROM bodies WHERE hash = $hash", ("$hash", Convert.FromHexString(hash)));
        return command.ExecuteScalar() is byte[] bytes ? bytes : default(ReadOnlyMemory<byte>?);
    });

    public async ValueTask DisposeAsync()
    {
        if (_writes.Writer.TryComplete())
        {
            await _writing.ConfigureAwait(false);
            _writer?.Dispose();
            ExperienceFile.Release(_path);
            _readers.Dispose();
        }
    }

    private static long? NumberOf(SqliteConnection file, string taskType)
    {
        using var number = ExperienceFile.Command(file, "SELECT number FROM task_types WHERE name = $type", ("$type", taskType));
        return number.ExecuteScalar() as long?;
    }

    private static IdSet Ids(SqliteCommand command)
    {
        using var rows = command.ExecuteReader();
        using var ids = new MemoryStream();
        var id = new byte[IdSet.IdBytes];
        while (rows.Read())
        {
            rows.GetBytes(0, 0, id, 0, id.Length);
            ids.Write(id);
        }

        return IdSet.OfSorted(ids.ToArray());
    }

    private static IReadOnlyList<SignedEnvelope> Envelopes(SqliteCommand command)
    {
        var found = new List<SignedEnvelope>();
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            found.Add(Envelope(rows));
        }

        return found;
    }

    /// <summary>The envelope of a row of id and bytes.</summary>
    private static SignedEnvelope Envelope(SqliteDataReader row) => SignedEnvelope.OpenStored((byte[])row.GetValue(1), Convert.ToHexStringLower((byte[])row.GetValue(0)))
        ?? throw new InvalidDataException($"{ExperienceFile.FileName} is damaged: an envelope is not the one that it is kept as; restore the data directory from a copy.");

    private Task<KeepOutcome> EnqueueAsync(int bytes, Func<ExperienceWriter, bool> write)
    {
        var waiting = new Write(bytes, write, new TaskCompletionSource<KeepOutcome>(TaskCreationOptions.RunContinuationsAsynchronously));
        if (Interlocked.Add(ref _waitingBytes, bytes) <= MaxWaitingBytes && _writes.Writer.TryWrite(waiting))
        {
            return waiting.Done.Task;
        }

        Interlocked.Add(ref _waitingBytes, -bytes);
        return Task.FromResult(KeepOutcome.Busy);
    }

    private async Task<T> ReadAsync<T>(Func<SqliteConnection, T> read)
    {
        await _readers.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Run(() =>
            {
                using var file = ExperienceFile.OpenToRead(_path);
                return read(file);
            }).ConfigureAwait(false);
        }
        finally
        {
            _readers.Release();
        }
    }

    private void WriteAll()
    {
        var batch = new List<(Write Write, KeepOutcome Outcome)>(MaxBatch);
        while (_writes.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _writes.Reader.TryRead(out var write))
            {
                batch.Add((write, KeepOutcome.Failed));
                Interlocked.Add(ref _waitingBytes, -write.Bytes);
            }

            try
            {
                var writer = _writer ??= _open();
                writer.Begin();
                for (var i = 0; i < batch.Count; i++)
                {
                    batch[i] = (batch[i].Write, batch[i].Write.Do(writer) ? KeepOutcome.Kept : KeepOutcome.Known);
                }

                writer.Commit();
                batch.ForEach(one => one.Write.Done.SetResult(one.Outcome));
            }
            catch (Exception e)
            {
                // Whatever failed: who waits is answered before anything else can fail, and the next batch is written.
                batch.ForEach(one => one.Write.Done.TrySetResult(KeepOutcome.Failed));
                _log.LogError(e, "{File} refused {Count} runs; check the disk of the data directory.", ExperienceFile.FileName, batch.Count);
                RollBack();
            }
        }
    }

    private void RollBack()
    {
        try
        {
            _writer?.RollBack();
        }
        catch (Exception e)
        {
            // Its connection is in no known state, and closing it could fail in the same way.
            _log.LogError(e, "{File} could not take back what it refused; it is opened anew.", ExperienceFile.FileName);
            _writer = null;
        }
    }
}
