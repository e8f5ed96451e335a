namespace Hyperspace.Actors.Identity;

/// <summary>A hybrid logical timestamp: unix milliseconds, and a counter for events within one of them.</summary>
public readonly record struct HybridTime(ulong WallMs, uint Counter) : IComparable<HybridTime>
{
    /// <summary>The time after this one at wall clock <paramref name="wallMs"/>: never earlier, always greater.</summary>
    public HybridTime Next(ulong wallMs) => wallMs > WallMs ? new HybridTime(wallMs, 0) : new HybridTime(WallMs, Counter + 1);

    /// <inheritdoc/>
    public int CompareTo(HybridTime other) => (WallMs, Counter).CompareTo((other.WallMs, other.Counter));
}

/// <summary>Hands out strictly increasing timestamps; safe for concurrent use.</summary>
public sealed class HybridClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private HybridTime _last;

    /// <summary>A timestamp greater than every one before it.</summary>
    public HybridTime Next()
    {
        lock (_gate)
        {
            return _last = _last.Next((ulong)time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }
}
