namespace Hyperspace.Libp2p;

/// <summary>
/// Token buckets by key, bounded in number: each key may ask so often per minute, in bursts of as many. A bucket that is full again
/// is forgotten; when there is no room for another, a new key is refused. Not thread-safe.
/// </summary>
/// <param name="perMinute">Requests per key and minute.</param>
/// <param name="maxKeys">Keys that are remembered at once.</param>
internal sealed class RequestRates<TKey>(int perMinute, int maxKeys)
    where TKey : notnull
{
    private readonly Dictionary<TKey, (double Tokens, DateTimeOffset At)> _buckets = [];

    /// <summary>Keys that are remembered.</summary>
    public int Count => _buckets.Count;

    /// <summary>Counts one request; false when it is one too many.</summary>
    public bool TryTake(TKey key, DateTimeOffset now)
    {
        if (!_buckets.TryGetValue(key, out var bucket))
        {
            if (_buckets.Count >= maxKeys)
            {
                Forget(now);
            }

            if (_buckets.Count >= maxKeys)
            {
                return false;
            }

            bucket = (perMinute, now);
        }

        var tokens = Refilled(bucket, now);
        _buckets[key] = (tokens < 1 ? tokens : tokens - 1, now);
        return tokens >= 1;
    }

    private double Refilled((double Tokens, DateTimeOffset At) bucket, DateTimeOffset now) =>
        Math.Min(perMinute, bucket.Tokens + Math.Max(0, (now - bucket.At).TotalMinutes) * perMinute);

    private void Forget(DateTimeOffset now)
    {
        foreach (var (key, bucket) in _buckets)
        {
            if (Refilled(bucket, now) >= perMinute)
            {
                _buckets.Remove(key);
            }
        }
    }
}
