using System.Net;
using System.Threading.RateLimiting;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Host.Pay;

/// <summary>How many requests one address may make a second, and how many all may have open at once; none waits for its turn.</summary>
/// <param name="perSecond">For one address (of IPv6: one /64); ten seconds' worth at once.</param>
/// <param name="atOnce">For all.</param>
internal sealed class PayLimiter(int perSecond, int atOnce) : IAsyncDisposable
{
    private readonly ConcurrencyLimiter _all = new(new ConcurrencyLimiterOptions { PermitLimit = atOnce, QueueLimit = 0 });

    private readonly PartitionedRateLimiter<IPAddress> _each = PartitionedRateLimiter.Create<IPAddress, object>(address => RateLimitPartition.GetTokenBucketLimiter<object>(
        IpGroup.Of(address),
        _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = 10 * perSecond,
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            QueueLimit = 0,
        }));

    /// <summary>Lets a request in, until the lease is disposed of, or not.</summary>
    public RateLimitLease Admit(IPAddress? from)
    {
        var each = _each.AttemptAcquire(from ?? IPAddress.None);
        return each.IsAcquired ? _all.AttemptAcquire() : each;
    }

    public async ValueTask DisposeAsync()
    {
        await _each.DisposeAsync();
        await _all.DisposeAsync();
    }
}
