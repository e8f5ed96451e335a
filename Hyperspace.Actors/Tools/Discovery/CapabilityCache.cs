using System.Collections.Immutable;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>A peer's record with when and by which tier it came first.</summary>
internal sealed record CachedCapabilities(PeerCapabilities Record, string Tier, DateTimeOffset HeardAt, long Used);

/// <summary>
/// What is known of other peers; pure. A record only gives way to one of a higher sequence; when the cache is full the
/// peer that was used longest ago is forgotten.
/// </summary>
internal sealed record CapabilityCache(int Capacity)
{
    private ImmutableDictionary<PeerId, CachedCapabilities> _peers = ImmutableDictionary<PeerId, CachedCapabilities>.Empty;
    private long _clock;

    /// <summary>How many peers are known.</summary>
    public int Count => _peers.Count;

    /// <summary>All that is known.</summary>
    public IEnumerable<CachedCapabilities> All => _peers.Values;

    /// <summary>What is known of one peer.</summary>
    public CachedCapabilities? Find(PeerId peer) => _peers.GetValueOrDefault(peer);

    /// <summary>With a record that verified; a lower sequence is ignored, the same sequence only renews the time.</summary>
    public CapabilityCache Offer(PeerCapabilities record, string tier, DateTimeOffset now)
    {
        var known = Find(record.Peer);
        if (known is not null && record.Sequence < known.Record.Sequence)
        {
            return this;
        }

        var peers = _peers;
        if (known is null && peers.Count >= Capacity)
        {
            peers = peers.Remove(peers.MinBy(p => p.Value.Used).Key);
        }

        return With(peers.SetItem(record.Peer, new CachedCapabilities(record, known?.Tier ?? tier, now, _clock + 1)));
    }

    /// <summary>The peer was of use just now.</summary>
    public CapabilityCache Touch(PeerId peer) =>
        Find(peer) is { } known ? With(_peers.SetItem(peer, known with { Used = _clock + 1 })) : this;

    /// <summary>Without a peer whose record proved wrong.</summary>
    public CapabilityCache Forget(PeerId peer) => With(_peers.Remove(peer));

    /// <summary>Without records that were not renewed since <paramref name="oldest"/>.</summary>
    public CapabilityCache Expire(DateTimeOffset oldest) => With(_peers.RemoveRange(_peers.Where(p => p.Value.HeardAt < oldest).Select(p => p.Key)));

    private CapabilityCache With(ImmutableDictionary<PeerId, CachedCapabilities> peers) => this with { _peers = peers, _clock = _clock + 1 };
}

/// <summary>The cache that a peer's parts share; tells waiters when something new was heard, and <paramref name="heard"/> of each record that is another than the one before.</summary>
internal sealed class CapabilityStore(TimeProvider time, Action<PeerCapabilities>? heard = null)
{
    private const int Capacity = 4096;
    private readonly Lock _gate = new();
    private CapabilityCache _cache = new(Capacity);
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The cache as it is now, without what has expired.</summary>
    public CapabilityCache Current
    {
        get
        {
            lock (_gate)
            {
                return _cache = _cache.Expire(time.GetUtcNow() - CapabilityRecords.Lifetime);
            }
        }
    }

    /// <summary>Ends when the next record comes in.</summary>
    public Task News
    {
        get
        {
            lock (_gate)
            {
                return _news.Task;
            }
        }
    }

    /// <summary>Takes a record that verified.</summary>
    public void Offer(PeerCapabilities record, string tier)
    {
        TaskCompletionSource news;
        bool isNew;
        lock (_gate)
        {
            isNew = !(_cache.Find(record.Peer) is { } known && known.Record.Sequence >= record.Sequence);
            _cache = _cache.Offer(record, tier, time.GetUtcNow());
            (news, _news) = (_news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        if (isNew)
        {
            heard?.Invoke(record);
        }

        news.SetResult();
    }

    /// <summary>Forgets a peer whose record proved wrong, so that the next use asks for a new one.</summary>
    public void Forget(PeerId peer)
    {
        lock (_gate)
        {
            _cache = _cache.Forget(peer);
        }
    }

    /// <summary>The record of a peer, noting its use.</summary>
    public CachedCapabilities? Use(PeerId peer)
    {
        lock (_gate)
        {
            _cache = _cache.Touch(peer);
            return _cache.Find(peer);
        }
    }
}
