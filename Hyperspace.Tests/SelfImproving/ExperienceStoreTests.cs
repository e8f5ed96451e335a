using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.SelfImproving;

public sealed class ExperienceStoreTests : IDisposable
{
    private static readonly string Self = Runs.Author(1).PeerId.ToString();
    private readonly string _directory = Directory.CreateTempSubdirectory("hyperspace-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_was_kept_is_there_after_a_restart_and_only_for_its_owner()
    {
        var run = Runs.Sealed(2, 1.0, "yamux", 1);
        await using (var store = Open())
        {
            Assert.Equal(KeepOutcome.Kept, await store.KeepAsync(run));
            Assert.Equal(KeepOutcome.Known, await store.KeepAsync(run));
        }

        await using var again = Open();
        var loaded = Assert.Single(await again.LoadAsync(Runs.TaskType, TrajectoryLimits.Default));
        Assert.Equal(run.Bytes.ToArray(), loaded.Bytes.ToArray());
        var ids = (await again.IdsAsync(Runs.TaskType)).Named;
        Assert.Equal((1, true), (ids.Count, Has(ids, run)));
        Assert.Equal(0, (await again.IdsAsync("other")).Named.Count);
        if (!OperatingSystem.IsWindows())
        {
            foreach (var file in Directory.GetFiles(_directory))
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public async Task A_recorded_run_is_unfinished_over_restarts_and_gives_way_to_nothing_until_it_is_finished()
    {
        var (first, second) = (Runs.Sealed(1, 0.0, "worst"), Runs.Sealed(1, 0.1, "second"));
        var limits = new ExperienceLimits { RecordsPerTaskType = 16 };
        await using (var store = Open(limits))
        {
            Assert.Equal(KeepOutcome.Kept, await store.RecordAsync(Runs.TaskType, first, Runs.Kept(first), new RunOrigin("ctx_1", "ses_1"), null));
            Assert.Equal(KeepOutcome.Kept, await store.RecordAsync(Runs.TaskType, second, Runs.Kept(second), new RunOrigin(null, null), null));
            Assert.Equal(KeepOutcome.Known, await store.RecordAsync(Runs.TaskType, first, Runs.Kept(first), new RunOrigin("ctx_2", null), null));
        }

        await using var again = Open(limits);
        Assert.Equal([Runs.TaskType], await again.UnfinishedTaskTypesAsync());
        Assert.Equal([(first.Id, new RunOrigin("ctx_1", "ses_1")), (second.Id, new RunOrigin(null, null))], (await again.UnfinishedAsync(Runs.TaskType)).Select(run => (run.Envelope.Id, run.Origin)));
        Assert.Empty(await again.UnfinishedAsync("other"));
        for (var i = 0; i < 64; i++)
        {
            await again.KeepAsync(Runs.Sealed(1, 1.0, $"better {i}", i));
        }

        Assert.Equal(KeepOutcome.Kept, await again.FinishAsync(Runs.TaskType, first.Id));
        Assert.Equal(KeepOutcome.Known, await again.FinishAsync(Runs.TaskType, first.Id));
        Assert.Equal(second.Id, Assert.Single(await again.UnfinishedAsync(Runs.TaskType)).Envelope.Id);
        await again.KeepAsync(Runs.Sealed(1, 1.0, "one more", 100));
        var ids = (await again.IdsAsync(Runs.TaskType)).Named;
        Assert.Equal((false, true), (Has(ids, first), Has(ids, second)));
    }

    [Fact]
    public async Task How_often_a_goal_was_tried_is_known_after_its_runs_gave_way()
    {
        var tried = Enumerable.Range(1, 40).Select(i => Runs.Seal(
            1, EnvelopeTypes.Trajectory, new Trajectory { TaskType = Runs.TaskType, Input = "yamux", Reward = 1.0 / i, RecordedMs = 1, Tries = (uint)i, Successes = 1 }, i)).ToList();
        await using (var store = Open(new ExperienceLimits { RecordsPerTaskType = 16 }))
        {
            foreach (var run in tried)
            {
                await store.RecordAsync(Runs.TaskType, run, Runs.Kept(run), new RunOrigin(null, null), null);
                await store.FinishAsync(Runs.TaskType, run.Id);
            }
        }

        await using var again = Open();
        Assert.False(Has((await again.IdsAsync(Runs.TaskType)).Named, tried[^2]));
        Assert.Equal(new Attempts(40, 1), (await again.AttemptsAsync(Runs.TaskType)).Find(Runs.Kept(tried[0]).Goal));
        Assert.Null((await again.AttemptsAsync("other")).Find(Runs.Kept(tried[0]).Goal));
    }

    [Fact]
    public async Task An_unfinished_run_of_a_file_without_sessions_goes_on()
    {
        var run = Runs.Sealed(1, 1.0, "yamux");
        await using (var store = Open())
        {
            await store.RecordAsync(Runs.TaskType, run, Runs.Kept(run), new RunOrigin("ctx_1", null), null);
        }

        var path = Path.Combine(_directory, ExperienceFile.FileName);
        using (var file = ExperienceFile.OpenToWrite(path))
        using (var older = ExperienceFile.Command(file, "ALTER TABLE unfinished DROP COLUMN session"))
        {
            older.ExecuteNonQuery();
        }

        await using var again = Open();
        Assert.Equal(new RunOrigin("ctx_1", null), Assert.Single(await again.UnfinishedAsync(Runs.TaskType)).Origin);
        var next = Runs.Sealed(1, 1.0, "noise");
        Assert.Equal(KeepOutcome.Kept, await again.RecordAsync(Runs.TaskType, next, Runs.Kept(next), new RunOrigin(null, "ses_1"), null));
    }

    [Fact]
    public async Task What_is_loaded_gives_the_state_that_all_runs_give()
    {
        var small = new TrajectoryLimits(Runs: 6, Failures: 3, LargeRuns: 2, LargeFailures: 1, SmallBytes: 400);
        var runs = Enumerable.Range(0, 200).Select(i => Runs.Sealed(i % 5, i * 7 % 11 / 10.0, $"goal {i / 5 % 4}" + (i % 6 == 0 ? new string('x', 300) : ""), i)).ToList();
        await using var store = Open();
        await Task.WhenAll(runs.Select(run => store.KeepAsync(run)));
        var loaded = (await store.LoadAsync(Runs.TaskType, small)).Select(envelope => KeptTrajectory.Read(envelope, Runs.TaskType, out _)!).ToList();
        Assert.InRange(loaded.Count, 1, 48);
        Assert.Equal(Ids(runs.Select(run => Runs.Kept(run))), Ids(loaded));

        IEnumerable<string> Ids(IEnumerable<KeptTrajectory> some) => some.Aggregate(TrajectoryState.Empty(Self, small), (state, run) => state.Add(run)).BestFirst.Select(run => run.Id);
    }

    [Fact]
    public async Task A_flood_displaces_only_its_own_and_never_this_peers_runs()
    {
        await using var store = Open(new ExperienceLimits { RecordsPerTaskType = 32, RecordsPerAuthor = 24 });
        var own = Runs.Sealed(1, 0.1, "mine");
        var other = Runs.Sealed(2, 0.2, "theirs");
        await store.KeepAsync(own);
        await store.KeepAsync(other);
        for (var batch = 0; batch < 20; batch++)
        {
            await Task.WhenAll(Enumerable.Range(batch * 20, 20).Select(i => store.KeepAsync(Runs.Sealed(3, 1.0, $"flood {i}", i))));
        }

        var ids = (await store.IdsAsync(Runs.TaskType)).Named;
        Assert.Equal((true, true), (Has(ids, own), Has(ids, other)));
        Assert.InRange(ids.Count, 20, 29);
    }

    [Fact]
    public async Task Strangers_without_number_leave_half_of_the_room_to_authors_whose_word_counts_here()
    {
        var proven = Runs.Author(2).PeerId.ToString();
        await using var store = new ExperienceStore(_directory, Self, new ExperienceLimits { RecordsPerTaskType = 4 }, NullLogger.Instance, author => author == proven);
        var theirs = Enumerable.Range(0, 3).Select(i => Runs.Sealed(2, 0.1 + (i / 10.0), "proven", i)).ToList();
        await Task.WhenAll(theirs.Select(run => store.KeepAsync(run)));
        for (var author = 3; author <= 8; author++)
        {
            await store.KeepAsync(Runs.Sealed(author, 1.0, "best", author));
        }

        var ids = (await store.IdsAsync(Runs.TaskType)).Named;
        Assert.Equal((4, false, true, true), (ids.Count, Has(ids, theirs[0]), Has(ids, theirs[1]), Has(ids, theirs[2])));
    }

    [Fact]
    public async Task The_task_type_with_most_runs_gives_way_when_all_are_too_many()
    {
        await using var store = Open(new ExperienceLimits { Records = 64 });
        for (var batch = 0; batch < 10; batch++)
        {
            await Task.WhenAll(Enumerable.Range(batch * 20, 20).Select(i => store.KeepAsync(Sealed("large", i), "large")));
            await store.KeepAsync(Sealed("small", batch), "small");
        }

        Assert.Equal(10, (await store.IdsAsync("small")).Named.Count);
        Assert.InRange((await store.IdsAsync("large")).Named.Count, 40, 64);

        static SignedEnvelope Sealed(string taskType, int i) => Runs.Sealed(3, 0.5, $"goal {i}", i, taskType);
    }

    [Fact]
    public async Task Neighbours_are_told_of_as_many_own_runs_as_they_keep_of_one_author()
    {
        await using var store = Open(new ExperienceLimits { RecordsPerAuthor = 8 });
        var runs = Enumerable.Range(0, 30).Select(i => Runs.Sealed(1, i / 30.0, $"goal {i}", i)).ToList();
        await Task.WhenAll(runs.Select(run => store.KeepAsync(run)));
        var ids = await store.IdsAsync(Runs.TaskType);
        Assert.Equal((8, 30), (ids.Named.Count, ids.Held.Count));
        Assert.All(runs.TakeLast(8), best => Assert.True(Has(ids.Named, best)));
    }

    [Fact]
    public async Task What_gave_way_is_not_asked_for_again()
    {
        // As from a neighbour with other bounds, or another level.
        await using var store = Open(new ExperienceLimits { RecordsPerTaskType = 16 });
        var theirs = Enumerable.Range(0, 60).Select(i => Runs.Sealed(2 + (i % 5), i / 60.0, $"goal {i}", i)).ToList();
        var comparison = Compare(await store.IdsAsync(Runs.TaskType));
        Assert.Equal(theirs.Count, comparison.Count);
        await Task.WhenAll(theirs.Select(run => store.KeepAsync(run)));
        var ids = await store.IdsAsync(Runs.TaskType);
        Assert.InRange(ids.Named.Count, 16, 17);
        Assert.Empty(Compare(ids));

        List<Google.Protobuf.ByteString> Compare(RunIds mine)
        {
            var (comparison, wanted) = (new Reconciliation(Runs.TaskType, mine.Held), new List<Google.Protobuf.ByteString>());
            while (comparison.Next() is { } request)
            {
                wanted.AddRange(request.Want);
                var reply = new Hyperspace.Contracts.Wire.TrajectorySyncReply { LookedFor = (uint)request.Want.Count };
                Reconciliation.Describe(IdSet.Of(theirs.Select(run => Convert.FromHexString(run.Id))), request, reply);
                comparison.Take(reply);
            }

            return wanted;
        }
    }

    [Fact]
    public async Task Whatever_fails_the_caller_is_answered_and_the_next_run_is_written()
    {
        await using var store = Open();
        var (first, second) = (Runs.Sealed(2, 1.0, "first"), Runs.Sealed(2, 1.0, "second"));
        Assert.Equal(KeepOutcome.Failed, await InTime(store.KeepAsync(Runs.TaskType, first, Runs.Kept(first), new RunBody("no hash", new byte[1]))));
        Assert.Equal(KeepOutcome.Kept, await InTime(store.KeepAsync(first)));

        Execute("ALTER TABLE runs RENAME TO away");
        Assert.Equal(KeepOutcome.Failed, await InTime(store.KeepAsync(second)));
        Assert.Equal(KeepOutcome.Failed, await InTime(store.KeepAsync(second)));
        Execute("ALTER TABLE away RENAME TO runs");
        Assert.Equal(KeepOutcome.Kept, await InTime(store.KeepAsync(second)));
        Assert.Equal(2, (await store.IdsAsync(Runs.TaskType)).Named.Count);

        static Task<KeepOutcome> InTime(Task<KeepOutcome> written) => written.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Authors_whose_runs_gave_way_are_forgotten()
    {
        await using (var store = Open(new ExperienceLimits { RecordsPerTaskType = 8 }))
        {
            for (var i = 0; i < 40; i++)
            {
                await store.KeepAsync(Runs.SealedBy(KeyPair.Generate(), i / 40.0, "goal"));
            }

            Assert.InRange(Execute("SELECT count(*) FROM authors"), 8, 17);
        }

        await using var again = Open();
        Assert.Equal(8, Execute("SELECT count(*) FROM authors"));
        Assert.Equal(KeepOutcome.Kept, await again.KeepAsync(Runs.Sealed(2, 0.0, "one more")));
        Assert.Equal(9, (await again.LoadAsync(Runs.TaskType, TrajectoryLimits.Default)).Count);
    }

    private long Execute(string sql)
    {
        using var file = ExperienceFile.OpenToWrite(Path.Combine(_directory, ExperienceFile.FileName));
        using var command = ExperienceFile.Command(file, sql);
        return command.ExecuteScalar() as long? ?? 0;
    }

    private static bool Has(IdSet ids, SignedEnvelope run) => ids.Contains(Convert.FromHexString(run.Id));

    private ExperienceStore Open(ExperienceLimits? limits = null) => new(_directory, Self, limits ?? new ExperienceLimits(), NullLogger.Instance);
}
