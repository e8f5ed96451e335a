using Hyperspace.Libp2p.ContentRouting;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Who provides which key, bounded in keys, in providers per key and in keys per provider. When there are too many
/// keys, those farthest from this peer go first; when one key or one provider has too many entries, the oldest.
/// Time is passed in; not thread-safe.
/// </summary>
internal sealed class ProviderStore(DhtKey self, int maxKeys, int maxProvidersPerKey, int maxKeysPerProvider, TimeSpan timeToLive)
{
    private readonly Dictionary<DhtKey, Dictionary<PeerId, Entry>> _byKey = [];
    private readonly SortedSet<DhtKey> _byDistance = [];
    private readonly Dictionary<PeerId, Dictionary<DhtKey, DateTimeOffset>> _keysOf = [];

    /// <summary>Keys with providers.</summary>
    public int Count => _byKey.Count;

    /// <summary>Notes that a peer provides a key, or still does.</summary>
    public void Add(ReadOnlySpan<byte> key, PeerAddresses provider, DateTimeOffset now)
    {
        var distance = DhtKey.Of(key).DistanceTo(self);
        _byDistance.Add(distance);
        var providers = GetOrAdd(_byKey, distance);
        providers[provider.Peer] = new Entry(provider, now);
        var keys = GetOrAdd(_keysOf, provider.Peer);
        keys[distance] = now;
        if (keys.Count > maxKeysPerProvider)
        {
            Remove(keys.MinBy(k => k.Value).Key, provider.Peer);
        }

        if (providers.Count > maxProvidersPerKey)
        {
            Remove(distance, providers.MinBy(p => p.Value.AddedAt).Key);
        }

        while (_byKey.Count > maxKeys)
        {
            var farthest = _byDistance.Max;
            _byKey[farthest].Keys.ToList().ForEach(p => Remove(farthest, p));
        }
    }

    /// <summary>Providers of a key that were announced within the time to live, newest first.</summary>
    public IReadOnlyList<PeerAddresses> Get(ReadOnlySpan<byte> key, DateTimeOffset now) =>
        _byKey.TryGetValue(DhtKey.Of(key).DistanceTo(self), out var providers)
            ? [.. providers.Values.Where(p => now - p.AddedAt < timeToLive).OrderByDescending(p => p.AddedAt).Select(p => p.Provider)]
            : [];

    /// <summary>Drops what is too old.</summary>
    public void Expire(DateTimeOffset now) =>
        _byKey
            .SelectMany(k => k.Value.Where(p => now - p.Value.AddedAt >= timeToLive).Select(p => (k.Key, Provider: p.Key)))
            .ToList()
            .ForEach(e => Remove(e.Key, e.Provider));

    private static Dictionary<TInner, TValue> GetOrAdd<TKey, TInner, TValue>(Dictionary<TKey, Dictionary<TInner, TValue>> outer, TKey key)
        where TKey : notnull
        where TInner : notnull
    {
        if (!outer.TryGetValue(key, out var inner))
        {
            inner = [];
            outer[key] = inner;
        }

        return inner;
    }

    private void Remove(DhtKey distance, PeerId provider)
    {
        if (_byKey.TryGetValue(distance, out var providers) && providers.Remove(provider) && providers.Count == 0)
        {
            _byKey.Remove(distance);
            _byDistance.Remove(distance);
        }

        if (_keysOf.TryGetValue(provider, out var keys) && keys.Remove(distance) && keys.Count == 0)
        {
            _keysOf.Remove(provider);
        }
    }

    private readonly record struct Entry(PeerAddresses Provider, DateTimeOffset AddedAt);
}
