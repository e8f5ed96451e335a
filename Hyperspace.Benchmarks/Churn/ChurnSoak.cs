using System.Diagnostics;
using Hyperspace.Benchmarks.Libp2p;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Churn;

/// <summary>One <c>hyperspace net</c> peer among js peers of both version lines that come, gossip, ping, echo, and leave: by a goodbye or by a kill.</summary>
internal sealed class ChurnSoak
{
    private const string Topic = "churn";
    private const int Partners = 4;
    private const int Rate = 20;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestLife = TimeSpan.FromSeconds(30);
    private readonly Random _random = new(1);
    private int _started;
    private int _pings;
    private int _failures;

    /// <exception cref="InvalidOperationException">js-libp2p cannot be installed here.</exception>
    public async Task<ChurnReport> RunAsync(TimeSpan duration, Action<string> tell, CancellationToken cancellationToken)
    {
        foreach (var line in (int[])[2, 3])
        {
            if (await NpmFolder.InstallAsync($"libp2p-{line}") is { } missing)
            {
                throw new InvalidOperationException(missing);
            }
        }

        await using var us = await Contestant.Hyperspace.StartOneAsync();
        await us.CallAsync("subscribe", new { topic = Topic, quiet = true });
        Forget(us.CallAsync("publish", new { topic = Topic, size = 256, count = int.MaxValue, rate = Rate }, Timeout.InfiniteTimeSpan));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lives = Enumerable.Range(0, Partners).Select(i => LivesAsync(us, 2 + (i % 2), over.Token)).ToList();
        var samples = new List<ChurnSample>();
        var clock = Stopwatch.StartNew();
        try
        {
            using var timer = new PeriodicTimer(SampleEvery);
            while (clock.Elapsed < duration)
            {
                await timer.WaitForNextTickAsync(cancellationToken);
                var s = await us.CallAsync("stats", new { collect = true });
                samples.Add(new ChurnSample(
                    clock.Elapsed.TotalSeconds,
                    s.GetProperty("rssBytes").GetInt64() / MiB,
                    s.GetProperty("heapBytes").GetInt64() / MiB,
                    s.GetProperty("handles").GetInt32(),
                    s.GetProperty("streams").GetInt32(),
                    s.GetProperty("connections").GetInt32(),
                    s.GetProperty("delivered").GetInt64(),
                    Volatile.Read(ref _started)));
                tell($"{samples[^1]}");
            }
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(lives);
        }

        return new ChurnReport(samples, _pings, _failures);
    }

    private async Task LivesAsync(JsonLinesPeer us, int line, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await using var js = (await JsPeer.StartAsync(line)).Lines;
            Interlocked.Increment(ref _started);
            try
            {
                await LiveAsync(us, js, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The soak is over.
            }
            catch (InvalidOperationException e)
            {
                Interlocked.Increment(ref _failures);
                await Console.Error.WriteLineAsync(e.Message);
            }
        }
    }

    private async Task LiveAsync(JsonLinesPeer us, JsonLinesPeer js, CancellationToken cancellationToken)
    {
        TimeSpan life;
        bool goodbye, weDial;
        lock (_random)
        {
            life = ShortestLife + (_random.NextDouble() * (LongestLife - ShortestLife));
            (goodbye, weDial) = (_random.Next(2) == 0, _random.Next(2) == 0);
        }

        await (weDial ? us : js).CallAsync("dial", new { ma = $"{(weDial ? js : us).Addresses[0]}" });
        await js.CallAsync("subscribe", new { topic = Topic, quiet = true });
        Forget(js.CallAsync("publish", new { topic = Topic, size = 256, count = int.MaxValue, rate = Rate }, Timeout.InfiniteTimeSpan));
        using var timer = new PeriodicTimer(PingEvery);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < life;)
        {
            await timer.WaitForNextTickAsync(cancellationToken);
            await us.CallAsync("ping", new { peer = $"{js.PeerId}" });
            await js.CallAsync("ping", new { peer = $"{us.PeerId}" });
            await us.CallAsync("echo", new { peer = $"{js.PeerId}", bytes = 10_000 });
            Interlocked.Add(ref _pings, 2);
        }

        if ((await js.CallAsync("received", new { topic = Topic })).GetProperty("count").GetInt64() == 0)
        {
            throw new InvalidOperationException("A js peer got no gossip in its life.");
        }

        if (goodbye)
        {
            await js.CallAsync("quit");
        }
    }

    /// <summary>Publishing ends with the process that does it.</summary>
    private static void Forget(Task publishing) => publishing.ContinueWith(t => t.Exception, TaskContinuationOptions.OnlyOnFaulted);
}
