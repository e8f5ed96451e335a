namespace Hyperspace.Benchmarks.Simulation;

/// <summary>
/// A clock that stands still but for <see cref="Run"/>, with what is to happen in it. As a <see cref="TimeProvider"/> it
/// fires the timers of code that expects one. For one thread.
/// </summary>
internal sealed class VirtualTime : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly EventQueue<Action> _events = new();

    /// <summary>Virtual milliseconds since the start.</summary>
    public long Now => _events.Now;

    /// <summary>Events that wait.</summary>
    public int Waiting => _events.Count;

    /// <inheritdoc/>
    public override long TimestampFrequency => 1000;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Has something done after so many virtual milliseconds.</summary>
    public void After(long milliseconds, Action act) => _events.Schedule(Now + milliseconds, act);

    /// <summary>Lets virtual time pass.</summary>
    public void Run(long milliseconds) => RunUntil(Now + milliseconds, static () => false);

    /// <summary>Lets virtual time pass until <paramref name="done"/> holds, at most to <paramref name="deadline"/>; says whether it held.</summary>
    public bool RunUntil(long deadline, Func<bool> done)
    {
        while (!done())
        {
            if (!_events.TryNext(deadline, out var act))
            {
                return done();
            }

            act();
        }

        return true;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => Now;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Epoch.AddMilliseconds(Now);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(VirtualTime time, Action callback) : ITimer
    {
        private long _setting;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Arm(++_setting, dueTime);
            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(long setting, TimeSpan wait)
        {
            if (wait < TimeSpan.Zero)
            {
                return;
            }

            time.After((long)Math.Ceiling(wait.TotalMilliseconds), () =>
            {
                // Changed or disposed since: this shot was called off.
                if (setting != _setting)
                {
                    return;
                }

                if (_period > TimeSpan.Zero)
                {
                    Arm(setting, _period);
                }

                callback();
            });
        }
    }
}
