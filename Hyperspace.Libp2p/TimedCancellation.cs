namespace Hyperspace.Libp2p;

/// <summary>A token that is cancelled when a time is up by the injected clock, or when any of the given tokens is.</summary>
internal sealed class TimedCancellation : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;

    public TimedCancellation(TimeSpan after, TimeProvider time, params CancellationToken[] tokens)
    {
        _timer = new CancellationTokenSource(after, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource([_timer.Token, .. tokens]);
    }

    public CancellationToken Token => _linked.Token;

    /// <summary>True when the time was up, whatever else happened.</summary>
    public bool TimedOut => _timer.IsCancellationRequested;

    /// <summary>Gives whatever is under way that much time from now on, unless the time was up before.</summary>
    public void Restart(TimeSpan after) => _timer.CancelAfter(after);

    public Task CancelAsync() => _linked.CancelAsync();

    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
