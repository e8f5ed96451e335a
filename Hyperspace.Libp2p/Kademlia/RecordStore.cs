namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Records that this peer holds for the network, bounded in count and bytes. When it is full, the records farthest
/// from this peer go first, since others are closer to them. Records that this peer put itself (pinned) stay and do
/// not count. Time is passed in; not thread-safe.
/// </summary>
internal sealed class RecordStore(DhtKey self, int maxRecords, long maxBytes, TimeSpan timeToLive)
{
    private readonly Dictionary<DhtKey, Entry> _entries = [];
    private readonly SortedSet<DhtKey> _evictable = [];

    /// <summary>Records held, pinned ones included.</summary>
    public int Count => _entries.Count;

    /// <summary>Bytes of keys and values held for others.</summary>
    public long Bytes { get; private set; }

    /// <summary>Stores or replaces a record. False when it was too far away to be kept.</summary>
    public bool Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, DateTimeOffset now, bool pinned = false)
    {
        var distance = DhtKey.Of(key).DistanceTo(self);
        var entry = new Entry(value.ToArray(), key.Length + value.Length, now, pinned || (_entries.TryGetValue(distance, out var old) && old.Pinned));
        Remove(distance);
        _entries[distance] = entry;
        if (!entry.Pinned)
        {
            _evictable.Add(distance);
            Bytes += entry.Size;
        }

        while (_evictable.Count > maxRecords || Bytes > maxBytes)
        {
            Remove(_evictable.Max);
        }

        return _entries.ContainsKey(distance);
    }

    /// <summary>The value and when it was received, or null when there is none or it is too old.</summary>
    public (ReadOnlyMemory<byte> Value, DateTimeOffset ReceivedAt)? Get(ReadOnlySpan<byte> key, DateTimeOffset now) =>
        _entries.TryGetValue(DhtKey.Of(key).DistanceTo(self), out var entry) && entry.IsAlive(now, timeToLive)
            ? (entry.Value, entry.ReceivedAt)
            : null;

    /// <summary>Drops what is too old.</summary>
    public void Expire(DateTimeOffset now) =>
        _entries.Where(e => !e.Value.IsAlive(now, timeToLive)).Select(e => e.Key).ToList().ForEach(Remove);

    private void Remove(DhtKey distance)
    {
        if (_entries.Remove(distance, out var old) && _evictable.Remove(distance))
        {
            Bytes -= old.Size;
        }
    }

    private sealed record Entry(byte[] Value, int Size, DateTimeOffset ReceivedAt, bool Pinned)
    {
        public bool IsAlive(DateTimeOffset now, TimeSpan timeToLive) => Pinned || now - ReceivedAt < timeToLive;
    }
}
