namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Records that this peer holds for the network, bounded in count and bytes, in all and per peer that put them. When it is
/// full, the records farthest from this peer go first, since others are closer to them. Records that this peer put
/// itself (pinned) stay and do not count. Time is passed in; not thread-safe.
/// </summary>
internal sealed class RecordStore(DhtKey self, RecordStoreLimits limits)
{
    private readonly Dictionary<DhtKey, Entry> _entries = [];
    private readonly Share _all = new();
    private readonly Dictionary<PeerId, Share> _bySource = [];

    /// <summary>Records held, pinned ones included.</summary>
    public int Count => _entries.Count;

    /// <summary>Bytes of keys and values held for others.</summary>
    public long Bytes => _all.Bytes;

    /// <summary>Stores or replaces a record. False when it was too far away to be kept.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="source">Who put it; null for this peer itself, whose records stay.</param>
    /// <param name="now">The time.</param>
    public bool Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, PeerId? source, DateTimeOffset now)
    {
        var distance = DhtKey.Of(key).DistanceTo(self);
        var stays = source is null || (_entries.TryGetValue(distance, out var old) && old.Source is null);
        var entry = new Entry(value.ToArray(), key.Length + value.Length, now, stays ? null : source);
        Remove(distance);
        _entries[distance] = entry;
        if (entry.Source is { } from)
        {
            if (!_bySource.TryGetValue(from, out var own))
            {
                _bySource[from] = own = new Share();
            }

            own.Add(distance, entry.Size);
            _all.Add(distance, entry.Size);
            Trim(own, limits.MaxRecordsPerPeer, limits.MaxBytesPerPeer);
            Trim(_all, limits.MaxRecords, limits.MaxBytes);
        }

        return _entries.ContainsKey(distance);
    }

    /// <summary>The value and when it was received, or null when there is none or it is too old.</summary>
    public (ReadOnlyMemory<byte> Value, DateTimeOffset ReceivedAt)? Get(ReadOnlySpan<byte> key, DateTimeOffset now) =>
        _entries.TryGetValue(DhtKey.Of(key).DistanceTo(self), out var entry) && entry.IsAlive(now, limits.TimeToLive)
            ? (entry.Value, entry.ReceivedAt)
            : null;

    /// <summary>Drops a record.</summary>
    public void Remove(ReadOnlySpan<byte> key) => Remove(DhtKey.Of(key).DistanceTo(self));

    /// <summary>Drops what is too old.</summary>
    public void Expire(DateTimeOffset now) =>
        _entries.Where(e => !e.Value.IsAlive(now, limits.TimeToLive)).Select(e => e.Key).ToList().ForEach(Remove);

    private void Trim(Share share, int maxRecords, long maxBytes)
    {
        while (share.Count > maxRecords || share.Bytes > maxBytes)
        {
            Remove(share.Farthest);
        }
    }

    private void Remove(DhtKey distance)
    {
        if (!_entries.Remove(distance, out var old) || old.Source is not { } source)
        {
            return;
        }

        _all.Remove(distance, old.Size);
        var own = _bySource[source];
        own.Remove(distance, old.Size);
        if (own.Count == 0)
        {
            _bySource.Remove(source);
        }
    }

    private sealed class Share
    {
        private readonly SortedSet<DhtKey> _records = [];

        public int Count => _records.Count;

        public long Bytes { get; private set; }

        public DhtKey Farthest => _records.Max;

        public void Add(DhtKey distance, int size)
        {
            _records.Add(distance);
            Bytes += size;
        }

        public void Remove(DhtKey distance, int size)
        {
            _records.Remove(distance);
            Bytes -= size;
        }
    }

    private sealed record Entry(byte[] Value, int Size, DateTimeOffset ReceivedAt, PeerId? Source)
    {
        public bool IsAlive(DateTimeOffset now, TimeSpan timeToLive) => Source is null || now - ReceivedAt < timeToLive;
    }
}

/// <summary>Bounds of a <see cref="RecordStore"/>.</summary>
/// <param name="MaxRecords">Records held for others.</param>
/// <param name="MaxBytes">Bytes of their keys and values.</param>
/// <param name="MaxRecordsPerPeer">Records held for one peer.</param>
/// <param name="MaxBytesPerPeer">Bytes of its keys and values.</param>
/// <param name="TimeToLive">How long a record is held after it was put.</param>
internal sealed record RecordStoreLimits(int MaxRecords, long MaxBytes, int MaxRecordsPerPeer, long MaxBytesPerPeer, TimeSpan TimeToLive);
