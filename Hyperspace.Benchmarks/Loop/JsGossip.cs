using System.Diagnostics;
using System.Text.Json;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Loop;

/// <summary>Gossip between two js-libp2p processes, measured as ours is: from the publisher's command to the subscriber's word.</summary>
internal static class JsGossip
{
    private const int Line = 3;

    /// <summary>p50 and p99 in milliseconds, or null where Node.js is not there.</summary>
    public static async Task<(double P50, double P99)?> MeasureAsync(int messages, TimeSpan pause, CancellationToken cancellationToken)
    {
        const string Topic = "bench/gossip";
        if (await NpmFolder.InstallAsync($"libp2p-{Line}") is { } missing)
        {
            await Console.Error.WriteLineAsync(missing);
            return null;
        }

        await using var publisher = await JsPeer.StartAsync(Line);
        await using var subscriber = await JsPeer.StartAsync(Line);
        await publisher.SubscribeAsync(Topic);
        await subscriber.SubscribeAsync(Topic);
        await publisher.DialAsync(subscriber.Addresses[0]);
        await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
        var latencies = new Latencies();
        for (var i = 0; i < messages; i++)
        {
            var data = new byte[256];
            BitConverter.TryWriteBytes(data, i);
            var start = Stopwatch.GetTimestamp();
            await publisher.PublishAsync(Topic, data);
            var received = await subscriber.Messages.ReadAsync(cancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), cancellationToken);
            if (!received.Data.AsSpan().SequenceEqual(data))
            {
                throw new JsonException("A gossip message of js-libp2p was lost.");
            }

            latencies.Add(Stopwatch.GetElapsedTime(start));
            await Task.Delay(pause, cancellationToken);
        }

        return (latencies.Percentile(0.5), latencies.Percentile(0.99));
    }
}
