using Hyperspace.Contracts;

namespace Hyperspace.Host.JsonRpc;

/// <summary>A client's subscriptions: one a topic, up to a limit. Safe for calls that run side by side.</summary>
internal sealed class Subscriptions
{
    /// <summary>Most topics of one client.</summary>
    public const int Max = 256;

    private readonly Dictionary<string, Task<IDisposable>> _byTopic = new(StringComparer.Ordinal);

    /// <summary>Subscribes unless the client is subscribed already; ends when the subscription is in place.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="subscribe">Makes the subscription, which ends when it is disposed.</param>
    /// <exception cref="JsonRpcException">RATE_LIMITED: the client has <see cref="Max"/> topics.</exception>
    public async Task AddAsync(string topic, Func<Task<IDisposable>> subscribe)
    {
        Task<IDisposable>? subscription;
        lock (_byTopic)
        {
            if (!_byTopic.TryGetValue(topic, out subscription))
            {
                if (_byTopic.Count >= Max)
                {
                    throw JsonRpcException.Refused(new Refusal(ErrorCodes.RateLimited, $"This connection is subscribed to {Max} topics, the most it may be; unsubscribe from one or open another connection."));
                }

                subscription = subscribe();
                _byTopic.Add(topic, subscription);
            }
        }

        try
        {
            await subscription;
        }
        catch
        {
            lock (_byTopic)
            {
                if (_byTopic.TryGetValue(topic, out var current) && current == subscription)
                {
                    _byTopic.Remove(topic);
                }
            }

            throw;
        }
    }

    /// <summary>Ends a subscription; false when there is none.</summary>
    public async Task<bool> RemoveAsync(string topic)
    {
        Task<IDisposable>? subscription;
        lock (_byTopic)
        {
            if (!_byTopic.Remove(topic, out subscription))
            {
                return false;
            }
        }

        (await subscription).Dispose();
        return true;
    }
}
