using System.Buffers.Binary;
using System.Diagnostics;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Host.Net;

/// <summary>
/// Counts messages, and tells the latency of those that <see cref="Stamp"/> has marked. Stamps are the system's
/// monotonic clock, so they mean something between processes of one machine only.
/// </summary>
internal sealed class ReceivedMeter
{
    private const int StampLength = 16;
    private const double NanosecondsPerMillisecond = 1_000_000;
    private readonly Lock _gate = new();
    private LatencyHistogram _latencies = new();
    private long _count;
    private long _bytes;

    private static ReadOnlySpan<byte> Mark => "hs-stamp"u8;

    /// <summary>Writes the mark and the time in nanoseconds over the first 16 bytes; shorter data stays as it is.</summary>
    public static void Stamp(Span<byte> data)
    {
        if (data.Length >= StampLength)
        {
            Mark.CopyTo(data);
            BinaryPrimitives.WriteInt64BigEndian(data[Mark.Length..], Nanoseconds());
        }
    }

    public void Add(PubSubMessage message)
    {
        var data = message.Data.Span;
        lock (_gate)
        {
            _count++;
            _bytes += data.Length;
            if (data.Length >= StampLength && data.StartsWith(Mark))
            {
                _latencies.Add((Nanoseconds() - BinaryPrimitives.ReadInt64BigEndian(data[Mark.Length..])) / NanosecondsPerMillisecond);
            }
        }
    }

    public ReceivedReply Read(bool reset)
    {
        lock (_gate)
        {
            var reply = new ReceivedReply(_count, _bytes, _latencies.Percentile(0.5), _latencies.Percentile(0.99), _latencies.MaxMilliseconds);
            if (reset)
            {
                (_count, _bytes, _latencies) = (0, 0, new LatencyHistogram());
            }

            return reply;
        }
    }

    private static long Nanoseconds() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}
