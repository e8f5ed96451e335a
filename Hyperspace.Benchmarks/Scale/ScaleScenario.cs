using System.Diagnostics;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Learning;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Benchmarks.Scale;

/// <summary>
/// One whole peer that follows many task types and takes in signed records of many authors as gossip brings them, while it is
/// asked now and then; then restarts and answers. Every task type is asked before memory is measured, so that all the
/// room for working sets is taken.
/// </summary>
internal sealed class ScaleScenario(int records, int taskTypes, int capabilities, Action<string> say)
{
    private const int Batch = 4_096;
    private const int QueriesPerBatch = 16;
    private const int Queries = 1_000;

    // What a peer may take of a small machine, whatever it holds: the bound on working sets (128 MiB) and as much again for all the rest.
    private const double MostHeapMiB = 256;
    private const double MebiByte = 1 << 20;

    private static readonly int[] Marks = [100_000, 300_000, 1_000_000];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly ScaleLoad _load = new(taskTypes);
    private readonly Random _random = new(1);

    public async Task<ScaleReport> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-scale-");
        try
        {
            var figures = new List<Figure>();
            List<ScalePoint> points;
            using (var host = await StartAsync(directory.FullName, cancellationToken))
            {
                figures.Add(new Figure("managed heap before", HeapMiB(), "MiB"));
                await OfferAsync(host, cancellationToken);
                points = await TakeInAsync(host, directory.FullName, cancellationToken);
                figures.AddRange(await AskAsync(host, "", cancellationToken));
                await host.StopAsync(cancellationToken);
            }

            using var process = Process.GetCurrentProcess();
            figures.Add(new Figure("most resident memory of all that, with the authors who sign", process.PeakWorkingSet64 / MebiByte, "MiB"));
            figures.Add(new Figure("bytes on disk for each record", SizeOf(directory.FullName, "learning.db*") / (double)records, "B"));
            figures.Add(new Figure("all files of the peer", SizeOf(directory.FullName, "*") / MebiByte, "MiB"));
            figures.Insert(1, new Figure("managed heap with everything", points.Max(point => point.HeapMiB), "MiB", AtMost: MostHeapMiB));

            say("restart");
            var restart = Stopwatch.StartNew();
            using var again = await StartAsync(directory.FullName, cancellationToken);
            await QueryAsync(again, 0);
            figures.Add(new Figure("restart until the first answer", restart.Elapsed.TotalSeconds, "s"));
            await AskEachAsync(again);
            figures.Add(new Figure("until every task type has answered", restart.Elapsed.TotalSeconds, "s"));
            figures.Add(new Figure("managed heap then", HeapMiB(), "MiB", AtMost: MostHeapMiB));
            figures.AddRange(await AskAsync(again, " after the restart", cancellationToken));
            figures.Add(new Figure("records that were lost", records - Rows(directory.FullName, "learning.db", "runs"), "records", AtMost: 0));
            figures.Add(new Figure("capabilities that were lost", capabilities - Rows(directory.FullName, "matrix.db", "capabilities"), "capabilities", AtMost: 0));
            await again.StopAsync(cancellationToken);
            return new ScaleReport(taskTypes, points, figures);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<IHost> StartAsync(string directory, CancellationToken cancellationToken)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddHyperspacePeer(new PeerOptions
        {
            DataDirectory = directory,

            // What is measured is the intake, not the door that keeps single authors from flooding.
            Learning = new LearningOptions { RecordsPerAuthorAndMinute = int.MaxValue },
        });
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private static ActorRegistry Actors(IHost host) => host.Services.GetRequiredService<ActorRegistry>();

    private static double HeapMiB() => GC.GetTotalMemory(forceFullCollection: true) / MebiByte;

    private static long SizeOf(string directory, string files) => new DirectoryInfo(directory).GetFiles(files, SearchOption.AllDirectories).Sum(file => file.Length);

    private static long Rows(string directory, string file, string table) => Scalar(directory, file, $"SELECT count(*) FROM {table}");

    private static long Scalar(string directory, string file, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, file), Mode = SqliteOpenMode.ReadOnly }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private async Task OfferAsync(IHost host, CancellationToken cancellationToken)
    {
        var matrix = Actors(host).Get<ActorKeys.Matrix>();
        foreach (var offered in ScaleLoad.Capabilities(capabilities))
        {
            matrix.Tell(offered);
        }

        await matrix.Ask<object>(new MatrixCommands.Search(ScaleLoad.Search(0), [], 1), Patience, cancellationToken);
    }

    private async Task<List<ScalePoint>> TakeInAsync(IHost host, string directory, CancellationToken cancellationToken)
    {
        var entities = await FollowAsync(host, cancellationToken);
        var points = new List<ScalePoint>();
        var watch = new Stopwatch();
        var (done, before) = (0, 0);
        var marks = new Queue<int>(Marks.Where(mark => mark < records).Append(records));
        while (done < records)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Signing is the authors' work.
            var batch = Enumerable.Range(done, Math.Min(Batch, Math.Min(marks.Peek(), records) - done)).AsParallel().Select(_load.Record).ToList();
            watch.Start();
            foreach (var (taskType, envelope) in batch)
            {
                entities[taskType].Tell(new GossipReceived(Topics.Trajectories(ScaleLoad.TaskType(taskType)), "a peer", envelope));
            }

            done += batch.Count;
            await Task.WhenAll(Enumerable.Range(0, QueriesPerBatch).Select(_ => QueryAsync(host, _random.Next(taskTypes))));
            while (Scalar(directory, "learning.db", "SELECT coalesce(max(place), 0) FROM envelopes") < done)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }

            watch.Stop();
            if (done == marks.Peek())
            {
                await AskEachAsync(host);
                points.Add(new ScalePoint(done, (done - before) / watch.Elapsed.TotalSeconds, Environment.WorkingSet / MebiByte, HeapMiB(), SizeOf(directory, "learning.db*") / MebiByte));
                say($"{done:N0} records, {points[^1].PerSecond:N0}/s, heap {points[^1].HeapMiB:N0} MiB, working set {points[^1].WorkingSetMiB:N0} MiB");
                before = marks.Dequeue();
                watch.Reset();
            }
        }

        return points;
    }

    private async Task<IReadOnlyList<IActorRef>> FollowAsync(IHost host, CancellationToken cancellationToken)
    {
        var learning = Actors(host).Get<ActorKeys.Learning>();
        var region = Actors(host).Get<LearningExtensions.TaskTypes>().Path.ToStringWithoutAddress();
        var entities = new List<IActorRef>();
        for (var i = 0; i < taskTypes; i++)
        {
            await learning.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(ScaleLoad.TaskType(i)), Patience, cancellationToken);

            // Messages of the mesh come to whoever subscribed, not through the region.
            entities.Add(await host.Services.GetRequiredService<ActorSystem>().ActorSelection($"{region}/*/{ScaleLoad.TaskType(i)}").ResolveOne(Patience, cancellationToken));
        }

        return entities;
    }

    private async Task QueryAsync(IHost host, int taskType)
    {
        var found = await Actors(host).Get<ActorKeys.Learning>().Ask<TrajectoryMatches>(new TrajectoryCommands.Query(ScaleLoad.TaskType(taskType), ScaleLoad.Input(_random.Next(200)), 10), Patience);
        if (found.Trajectories.Any(run => run.TaskType != ScaleLoad.TaskType(taskType)))
        {
            throw new InvalidOperationException("A run of another task type was found.");
        }
    }

    private async Task AskEachAsync(IHost host)
    {
        foreach (var some in Enumerable.Range(0, taskTypes).Chunk(QueriesPerBatch))
        {
            await Task.WhenAll(some.Select(taskType => QueryAsync(host, taskType)));
        }
    }

    private async Task<IEnumerable<Figure>> AskAsync(IHost host, string when, CancellationToken cancellationToken)
    {
        var (any, same, search) = (new Latencies(), new Latencies(), new Latencies());
        var matrix = Actors(host).Get<ActorKeys.Matrix>();
        for (var i = 0; i < Queries; i++)
        {
            var taskType = _random.Next(taskTypes);
            any.Add(await TimeOfAsync(() => QueryAsync(host, taskType)));
            same.Add(await TimeOfAsync(() => QueryAsync(host, taskType)));
            search.Add(await TimeOfAsync(() => matrix.Ask<object>(new MatrixCommands.Search(ScaleLoad.Search(i), [], 10), Patience, cancellationToken)));
        }

        return
        [
            new Figure($"query of any task type{when}, p50", any.Percentile(0.5), "ms"),
            new Figure($"the same, p99", any.Percentile(0.99), "ms"),
            new Figure($"query of a task type that is awake{when}, p50", same.Percentile(0.5), "ms"),
            new Figure($"the same, p99", same.Percentile(0.99), "ms"),
            new Figure($"search over {capabilities:N0} capabilities{when}, p50", search.Percentile(0.5), "ms"),
            new Figure($"the same, p99", search.Percentile(0.99), "ms"),
        ];
    }

    private static async Task<TimeSpan> TimeOfAsync(Func<Task> act)
    {
        var start = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(start);
    }
}
