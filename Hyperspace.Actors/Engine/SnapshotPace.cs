namespace Hyperspace.Actors.Engine;

/// <summary>
/// When a snapshot of something large is worth its bytes: after so many events, and not before these have as many bytes as the
/// snapshot will have. Then snapshots write no more than the events do, and recovery reads no more than about two of them.
/// </summary>
/// <param name="events">Fewest events between two snapshots.</param>
internal sealed class SnapshotPace(int events)
{
    private long _events;
    private long _bytes;

    /// <summary>An event was written, or recovered.</summary>
    public void Wrote(int bytes) => (_events, _bytes) = (_events + 1, _bytes + bytes);

    /// <summary>True when a snapshot is to be taken now; then it counts anew.</summary>
    /// <param name="bytes">Those that the snapshot will have.</param>
    public bool IsDue(long bytes)
    {
        var due = _events >= events && _bytes >= bytes;
        (_events, _bytes) = due ? (0, 0) : (_events, _bytes);
        return due;
    }
}
