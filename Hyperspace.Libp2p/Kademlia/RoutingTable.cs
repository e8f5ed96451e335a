using System.Collections.Immutable;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>A peer of the routing table.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Group">The group of IP addresses that it was last seen at; null when that counts for nothing.</param>
/// <param name="LastSeen">When it was last known to be alive.</param>
/// <param name="LastUseful">When an answer of it last named peers to a query.</param>
/// <param name="Failures">Requests in a row that it failed to answer.</param>
internal sealed record RoutingEntry(PeerId Peer, AddressBlock? Group, DateTimeOffset LastSeen, DateTimeOffset LastUseful, int Failures)
{
    /// <summary>Its point in the key space.</summary>
    public DhtKey Key => DhtKey.Of(Peer);
}

/// <summary>What became of a peer that was seen.</summary>
/// <param name="Table">The table after.</param>
/// <param name="Present">True when the peer is in the table, false when its bucket is full and it waits as a replacement, or too many peers of its IP group are there.</param>
/// <param name="Questionable">For a full bucket: its least recently seen peer, to be pinged and dropped if it does not answer.</param>
internal readonly record struct SeenResult(RoutingTable Table, bool Present, RoutingEntry? Questionable);

/// <summary>Bounds of a routing table.</summary>
internal sealed record RoutingTableLimits
{
    /// <summary>k.</summary>
    public int BucketSize { get; init; } = 20;

    /// <summary>Unanswered requests in a row after which a peer is dropped.</summary>
    public int MaxFailures { get; init; } = 3;

    /// <summary>Peers of one IP group in the whole table, those who wait included.</summary>
    public int MaxPerIpGroup { get; init; } = 3;

    /// <summary>Peers of one IP group in one bucket, those who wait included.</summary>
    public int MaxPerIpGroupAndBucket { get; init; } = 2;
}

/// <summary>
/// Kademlia's k-buckets, immutable: bucket i holds at most k peers that share exactly i leading bits with this peer.
/// Peers that are in a bucket stay while they answer, because a peer that has been up long stays up long
/// (Maymounkov, Mazières 2002, section 2.2); newcomers to a full bucket wait, newest first, for one to be dropped.
/// </summary>
internal sealed class RoutingTable
{
    private static readonly Bucket Empty = new([], []);
    private readonly DhtKey _self;
    private readonly RoutingTableLimits _limits;

    // As long as the deepest bucket that was ever used.
    private readonly ImmutableArray<Bucket> _buckets;

    /// <summary>An empty table of the peer at <paramref name="self"/>.</summary>
    public RoutingTable(DhtKey self, RoutingTableLimits limits)
        : this(self, limits, [], 0)
    {
    }

    private RoutingTable(DhtKey self, RoutingTableLimits limits, ImmutableArray<Bucket> buckets, int count) =>
        (_self, _limits, _buckets, Count) = (self, limits, buckets, count);

    /// <summary>Peers in the table, those who wait excluded.</summary>
    public int Count { get; }

    /// <summary>All peers of the table, the least close first.</summary>
    public IEnumerable<RoutingEntry> Entries => _buckets.SelectMany(b => b.Live);

    /// <summary>Prefix lengths whose buckets hold peers, ascending.</summary>
    public IEnumerable<int> OccupiedBuckets => Enumerable.Range(0, _buckets.Length).Where(i => _buckets[i].Live.Length > 0);

    /// <summary>True when the peer is in the table.</summary>
    public bool Contains(PeerId peer) => Find(peer).Index >= 0;

    /// <summary>Notes that a peer that serves the protocol is alive.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="group">The IP group that it was seen at, if any.</param>
    /// <param name="now">The time.</param>
    public SeenResult Seen(PeerId peer, AddressBlock? group, DateTimeOffset now)
    {
        var (at, index) = Find(peer);
        if (at == DhtKey.Bits)
        {
            return new SeenResult(this, false, null);
        }

        var (live, waiting) = BucketAt(at);
        if (index >= 0)
        {
            if (live[index].Group == group)
            {
                return new SeenResult(With(at, new Bucket(live.SetItem(index, live[index] with { LastSeen = now, Failures = 0 }), waiting), 0), true, null);
            }

            // It moved: it is judged anew.
            return Removed(peer).Seen(peer, group, now);
        }

        var entry = new RoutingEntry(peer, group, now, default, 0);
        var others = waiting.RemoveAll(e => e.Peer == peer);
        if (!Allows(group, new Bucket(live, others), at))
        {
            return new SeenResult(With(at, new Bucket(live, others), 0), false, null);
        }

        if (live.Length < _limits.BucketSize)
        {
            return new SeenResult(With(at, new Bucket(live.Add(entry), others), 1), true, null);
        }

        others = others.Length < _limits.BucketSize ? others : others.RemoveAt(0);
        return new SeenResult(With(at, new Bucket(live, others.Add(entry)), 0), false, live.MinBy(e => e.LastSeen));
    }

    /// <summary>Notes that a peer's answer named peers.</summary>
    public RoutingTable Useful(PeerId peer, DateTimeOffset now)
    {
        var (at, index) = Find(peer);
        return index < 0 ? this : With(at, _buckets[at] with { Live = _buckets[at].Live.SetItem(index, _buckets[at].Live[index] with { LastUseful = now }) }, 0);
    }

    /// <summary>Notes that a peer did not answer; at the limit it is dropped and the newest that waits takes its place.</summary>
    public RoutingTable Failed(PeerId peer)
    {
        var (at, index) = Find(peer);
        if (index < 0)
        {
            return this;
        }

        var (live, waiting) = _buckets[at];
        var entry = live[index] with { Failures = live[index].Failures + 1 };
        return entry.Failures < _limits.MaxFailures ? With(at, new Bucket(live.SetItem(index, entry), waiting), 0) : Removed(peer);
    }

    /// <summary>Drops a peer; the newest that waits takes its place.</summary>
    public RoutingTable Removed(PeerId peer)
    {
        var (at, index) = Find(peer);
        if (index < 0)
        {
            return at >= _buckets.Length ? this : With(at, _buckets[at] with { Waiting = _buckets[at].Waiting.RemoveAll(e => e.Peer == peer) }, 0);
        }

        var (live, waiting) = _buckets[at];
        live = live.RemoveAt(index);
        return waiting.IsEmpty
            ? With(at, new Bucket(live, waiting), -1)
            : With(at, new Bucket(live.Add(waiting[^1]), waiting.RemoveAt(waiting.Length - 1)), 0);
    }

    /// <summary>The peers nearest to <paramref name="target"/>, nearest first.</summary>
    public IReadOnlyList<PeerId> Closest(DhtKey target, int count)
    {
        // The bucket of the target's prefix and those after it lie nearer than all before it; then each before it in turn.
        var at = Math.Min(_self.CommonPrefixLength(target), DhtKey.Bits - 1);
        var found = new List<(DhtKey Distance, PeerId Peer)>();
        Add(at);
        if (found.Count < count)
        {
            for (var i = at + 1; i < _buckets.Length; i++)
            {
                Add(i);
            }
        }

        for (var i = Math.Min(at, _buckets.Length) - 1; i >= 0 && found.Count < count; i--)
        {
            Add(i);
        }

        found.Sort(static (a, b) => a.Distance.CompareTo(b.Distance));
        return [.. found.Take(count).Select(f => f.Peer)];

        void Add(int bucket)
        {
            foreach (var entry in BucketAt(bucket).Live)
            {
                found.Add((entry.Key.DistanceTo(target), entry.Peer));
            }
        }
    }

    private static int CountOf(AddressBlock group, Bucket bucket) => bucket.Live.Count(e => e.Group == group) + bucket.Waiting.Count(e => e.Group == group);

    private bool Allows(AddressBlock? group, Bucket bucket, int at)
    {
        if (group is not { } g)
        {
            return true;
        }

        var here = CountOf(g, bucket);
        return here < _limits.MaxPerIpGroupAndBucket && here + _buckets.Where((_, i) => i != at).Sum(b => CountOf(g, b)) < _limits.MaxPerIpGroup;
    }

    private Bucket BucketAt(int at) => at < _buckets.Length ? _buckets[at] : Empty;

    private (int At, int Index) Find(PeerId peer)
    {
        var at = _self.CommonPrefixLength(DhtKey.Of(peer));
        return (at, at < _buckets.Length ? _buckets[at].Live.FindIndex(e => e.Peer == peer) : -1);
    }

    private RoutingTable With(int at, Bucket bucket, int added)
    {
        var buckets = at < _buckets.Length ? _buckets : _buckets.AddRange(Enumerable.Repeat(Empty, at + 1 - _buckets.Length));
        return new(_self, _limits, buckets.SetItem(at, bucket), Count + added);
    }

    private readonly record struct Bucket(ImmutableArray<RoutingEntry> Live, ImmutableArray<RoutingEntry> Waiting);
}

/// <summary>A search that <see cref="ImmutableArray{T}"/> lacks.</summary>
internal static class ImmutableArraySearch
{
    public static int FindIndex<T>(this ImmutableArray<T> items, Func<T, bool> match)
    {
        for (var i = 0; i < items.Length; i++)
        {
            if (match(items[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
