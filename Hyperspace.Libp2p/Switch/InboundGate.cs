using System.Net;

namespace Hyperspace.Libp2p.Switch;

/// <summary>How many inbound connections may come and be upgraded.</summary>
/// <param name="PerSecond">On average; bursts of twice as many.</param>
/// <param name="AtOnce">That are being upgraded.</param>
internal readonly record struct InboundLimits(int PerSecond, int AtOnce);

/// <summary>
/// Decides which inbound connections are upgraded: a token bucket for their rate and a bound on how many at once, for everybody together
/// and for each IP group. What one address does beyond its own share takes nothing from the others'.
/// </summary>
internal sealed class InboundGate(InboundLimits all, InboundLimits perIp, TimeProvider time)
{
    private const int SweepAt = 1024;

    private readonly Lock _gate = new();
    private readonly Bucket _all = new(all, time);
    private readonly Dictionary<IPAddress, Bucket> _byIp = [];

    /// <summary>IP groups that count for something now.</summary>
    public int Tracked
    {
        get
        {
            lock (_gate)
            {
                return _byIp.Count;
            }
        }
    }

    /// <summary>True when a connection from there may be upgraded; call <see cref="Leave"/> afterwards. Without a group only the common limits count.</summary>
    public bool TryEnter(IPAddress? group)
    {
        lock (_gate)
        {
            Bucket? own = null;
            if (group is not null && !_byIp.TryGetValue(group, out own))
            {
                own = new Bucket(perIp, time);
            }

            if ((own is not null && !own.HasRoom()) || !_all.HasRoom())
            {
                return false;
            }

            _all.Take();
            if (own is not null)
            {
                own.Take();
                _byIp[group!] = own;
                Sweep();
            }

            return true;
        }
    }

    /// <summary>The upgrade ended.</summary>
    public void Leave(IPAddress? group)
    {
        lock (_gate)
        {
            _all.Running--;
            if (group is not null)
            {
                _byIp[group].Running--;
            }
        }
    }

    /// <summary>Forgets those that are as good as new; the common rate bounds how many others there can be.</summary>
    private void Sweep()
    {
        if (_byIp.Count >= SweepAt)
        {
            foreach (var (group, bucket) in _byIp)
            {
                if (bucket.IsFresh())
                {
                    _byIp.Remove(group);
                }
            }
        }
    }

    private sealed class Bucket(InboundLimits limits, TimeProvider time)
    {
        private double _tokens = 2.0 * limits.PerSecond;
        private long _refilledAt = time.GetTimestamp();

        public int Running { get; set; }

        public bool HasRoom()
        {
            Refill();
            return _tokens >= 1 && Running < limits.AtOnce;
        }

        public bool IsFresh()
        {
            Refill();
            return Running == 0 && _tokens >= 2.0 * limits.PerSecond;
        }

        public void Take()
        {
            _tokens--;
            Running++;
        }

        private void Refill()
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(2.0 * limits.PerSecond, _tokens + time.GetElapsedTime(_refilledAt, now).TotalSeconds * limits.PerSecond);
            _refilledAt = now;
        }
    }
}
