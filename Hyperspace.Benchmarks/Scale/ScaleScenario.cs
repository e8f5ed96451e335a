using System.Diagnostics;
using Akka.Actor;
using Akka.Hosting;
using Google.Protobuf;
using Hyperspace.Actors;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Benchmarks.Scale;

/// <summary>
/// One whole peer that takes in signed records of many authors as gossip brings them, into the entities of their task
/// types and the store; then restarts and answers queries.
/// </summary>
internal sealed class ScaleScenario(int records, int taskTypes, Action<string> say)
{
    private const int Authors = 64;
    private const int Batch = 4_096;
    private const int Queries = 1_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly KeyPair[] _authors = [.. Enumerable.Range(0, Authors).Select(_ => KeyPair.Generate())];
    private readonly HybridClock _clock = new(TimeProvider.System);

    public async Task<ScaleReport> RunAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-scale-");
        try
        {
            List<ScalePoint> points;
            long kept;
            using (var host = await StartAsync(directory.FullName, cancellationToken))
            {
                points = await TakeInAsync(host, directory.FullName, cancellationToken);
                kept = await CountAsync(host);
                await host.StopAsync(cancellationToken);
            }

            say("restart");
            var restart = Stopwatch.StartNew();
            using var again = await StartAsync(directory.FullName, cancellationToken);
            await CountAsync(again);
            restart.Stop();
            var took = await QueryAsync(again);
            await again.StopAsync(cancellationToken);
            return new ScaleReport(taskTypes, points, kept, restart.Elapsed.TotalSeconds, took[took.Length / 2], took[took.Length * 99 / 100]);
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

    private static IActorRef Region(IHost host) => host.Services.GetRequiredService<ActorRegistry>().Get<LearningExtensions.TaskTypes>();

    private static string NameOf(int taskType) => $"scale-{taskType}";

    private async Task<List<ScalePoint>> TakeInAsync(IHost host, string directory, CancellationToken cancellationToken)
    {
        var learning = host.Services.GetRequiredService<ActorRegistry>().Get<ActorKeys.Learning>();
        var entities = new Dictionary<string, IActorRef>(StringComparer.Ordinal);
        for (var i = 0; i < taskTypes; i++)
        {
            await learning.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(NameOf(i)), Patience, cancellationToken);

            // Messages of the mesh come to whoever subscribed, not through the region.
            var entity = await host.Services.GetRequiredService<ActorSystem>().ActorSelection($"{Region(host).Path.ToStringWithoutAddress()}/*/{NameOf(i)}").Ask<ActorIdentity>(new Identify(null), Patience, cancellationToken);
            entities[NameOf(i)] = entity.Subject;
        }

        var points = new List<ScalePoint>();
        var watch = Stopwatch.StartNew();
        var (done, before) = (0, 0);
        var marks = new Queue<int>([records / 10, records / 2, records]);
        while (done < records)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Signing is the authors' work.
            watch.Stop();
            var batch = Enumerable.Range(done, Math.Min(Batch, records - done)).AsParallel().Select(i => (TaskType: NameOf(i % taskTypes), Envelope: Make(i))).ToList();
            watch.Start();
            foreach (var (taskType, envelope) in batch)
            {
                entities[taskType].Tell(new GossipReceived(Topics.Trajectories(taskType), "a peer", envelope));
            }

            done += batch.Count;
            await WaitForAsync(host, done, cancellationToken);
            if (done >= marks.Peek())
            {
                watch.Stop();
                points.Add(new ScalePoint(
                    done, (done - before) / watch.Elapsed.TotalSeconds, Environment.WorkingSet / (double)(1 << 20), GC.GetTotalMemory(forceFullCollection: true) / (double)(1 << 20),
                    new DirectoryInfo(directory).GetFiles("learning.db*").Sum(file => file.Length) / (double)(1 << 20)));
                say($"{done:N0} records, {points[^1].PerSecond:N0}/s, {points[^1].WorkingSetMiB:N0} MiB");
                marks.Dequeue();
                before = done;
                watch.Restart();
            }
        }

        return points;
    }

    /// <summary>Until the task types of the last records have all of their share: batches must not pile up.</summary>
    private async Task WaitForAsync(IHost host, int done, CancellationToken cancellationToken)
    {
        for (var i = Math.Max(0, done - taskTypes); i < done; i++)
        {
            var expected = Math.Min((i / taskTypes) + 1, new ExperienceLimits().RecordsPerTaskType);
            while (await CountAsync(host, i % taskTypes) < expected)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }
    }

    private async Task<long> CountAsync(IHost host)
    {
        var sum = 0L;
        for (var i = 0; i < taskTypes; i++)
        {
            sum += await CountAsync(host, i);
        }

        return sum;
    }

    private static async Task<long> CountAsync(IHost host, int taskType) => (await Region(host).Ask<TrajectorySyncReply>(
        new TaskTypeMessages.Compare(new TrajectorySyncRequest { TaskType = NameOf(taskType), Prefixes = { ByteString.Empty } }), Patience)).Ranges[0].Count;

    private async Task<double[]> QueryAsync(IHost host)
    {
        var learning = host.Services.GetRequiredService<ActorRegistry>().Get<ActorKeys.Learning>();
        var random = new Random(1);
        var took = new double[Queries];
        for (var i = 0; i < Queries; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await learning.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(NameOf(random.Next(taskTypes)), $"find the flight to city {random.Next(200)}", 10), Patience);
            took[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(took);
        return took;
    }

    private byte[] Make(int i)
    {
        var run = new Trajectory { TaskType = NameOf(i % taskTypes), Input = $"find the flight to city {i * 31 % 200} for {i % 7} people", Output = "done", Reward = i * 7 % 11 / 10.0, RecordedMs = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
        for (var step = 0; step < 2; step++)
        {
            run.Steps.Add(new TrajectoryStep
            {
                Kind = "tool",
                Name = $"12D3KooWProvider/flights-{(i + step) % 50}",
                Input = $$"""{"city":"city {{i * 31 % 200}}","people":{{i % 7}},"page":{{step}}}""",
                Output = "3 flights, the first at 09:40",
                Ok = i % 9 != 0,
                DurationUs = 20_000,
            });
        }

        return SignedEnvelope.Seal(_authors[i % Authors], EnvelopeTypes.Trajectory, run.ToByteArray(), _clock.Next()).Bytes.ToArray();
    }
}
