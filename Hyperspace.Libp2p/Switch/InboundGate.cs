namespace Hyperspace.Libp2p.Switch;

/// <summary>Decides which inbound sockets are upgraded: a token bucket for their rate, and a bound on how many at once.</summary>
internal sealed class InboundGate(int perSecond, int atOnce, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = 2.0 * perSecond;
    private long _refilledAt = time.GetTimestamp();
    private int _running;

    /// <summary>True when the socket may be upgraded; call <see cref="Leave"/> afterwards.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(2.0 * perSecond, _tokens + time.GetElapsedTime(_refilledAt, now).TotalSeconds * perSecond);
            _refilledAt = now;
            if (_tokens < 1 || _running >= atOnce)
            {
                return false;
            }

            _tokens--;
            _running++;
            return true;
        }
    }

    /// <summary>The upgrade ended.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            _running--;
        }
    }
}
