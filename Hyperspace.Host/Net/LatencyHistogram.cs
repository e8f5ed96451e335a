namespace Hyperspace.Host.Net;

/// <summary>Latencies in buckets that are each 1% wider than the one before: percentiles of any number of them in constant memory. Not thread-safe.</summary>
internal sealed class LatencyHistogram
{
    // From 1 µs to over 1,000 s.
    private const int Buckets = 2100;
    private static readonly double LogWidth = Math.Log(1.01);
    private readonly long[] _counts = new long[Buckets];
    private long _total;

    /// <summary>The longest latency, in milliseconds.</summary>
    public double MaxMilliseconds { get; private set; }

    public void Add(double milliseconds)
    {
        MaxMilliseconds = Math.Max(MaxMilliseconds, milliseconds);
        var bucket = (int)Math.Round(Math.Log(Math.Max(milliseconds * 1000, 1)) / LogWidth);
        _counts[Math.Min(bucket, Buckets - 1)]++;
        _total++;
    }

    /// <summary>In milliseconds, to 1%; null of none.</summary>
    public double? Percentile(double share)
    {
        var before = (long)(_total * share);
        for (var i = 0; _total > 0; i++)
        {
            before -= _counts[i];
            if (before < 0)
            {
                return Math.Exp(i * LogWidth) / 1000;
            }
        }

        return null;
    }
}
