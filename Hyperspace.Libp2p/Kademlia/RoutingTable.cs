using System.Collections.Immutable;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>A peer of the routing table.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Key">Its point in the key space.</param>
/// <param name="AddedAt">When it came into the table.</param>
/// <param name="LastSeen">When it was last known to be alive.</param>
/// <param name="Failures">Requests in a row that it failed to answer.</param>
internal sealed record RoutingEntry(PeerId Peer, DhtKey Key, DateTimeOffset AddedAt, DateTimeOffset LastSeen, int Failures);

/// <summary>What became of a peer that was seen.</summary>
/// <param name="Table">The table after.</param>
/// <param name="Present">True when the peer is in the table, false when its bucket is full and it waits as a replacement.</param>
/// <param name="Questionable">For a full bucket: its least recently seen peer, to be pinged and dropped if it does not answer.</param>
internal readonly record struct SeenResult(RoutingTable Table, bool Present, RoutingEntry? Questionable);

/// <summary>
/// Kademlia's k-buckets, immutable: bucket i holds at most k peers that share exactly i leading bits with this peer.
/// Peers that are in a bucket stay while they answer, because a peer that has been up long stays up long
/// (Maymounkov, Mazières 2002, section 2.2); newcomers to a full bucket wait, newest first, for one to be dropped.
/// </summary>
internal sealed class RoutingTable
{
    private static readonly Bucket Empty = new([], []);
    private readonly DhtKey _self;
    private readonly int _bucketSize;
    private readonly int _maxFailures;
    private readonly ImmutableArray<Bucket> _buckets;

    /// <summary>An empty table of the peer at <paramref name="self"/>.</summary>
    /// <param name="self">This peer's point.</param>
    /// <param name="bucketSize">k.</param>
    /// <param name="maxFailures">Unanswered requests in a row after which a peer is dropped.</param>
    public RoutingTable(DhtKey self, int bucketSize = 20, int maxFailures = 3)
        : this(self, bucketSize, maxFailures, [.. Enumerable.Repeat(Empty, DhtKey.Bits)], 0)
    {
    }

    private RoutingTable(DhtKey self, int bucketSize, int maxFailures, ImmutableArray<Bucket> buckets, int count) =>
        (_self, _bucketSize, _maxFailures, _buckets, Count) = (self, bucketSize, maxFailures, buckets, count);

    /// <summary>Peers in the table, those who wait excluded.</summary>
    public int Count { get; }

    /// <summary>All peers of the table, the least close first.</summary>
    internal IEnumerable<RoutingEntry> Entries => _buckets.SelectMany(b => b.Live);

    /// <summary>Prefix lengths whose buckets hold peers, ascending.</summary>
    public IEnumerable<int> OccupiedBuckets => Enumerable.Range(0, DhtKey.Bits).Where(i => _buckets[i].Live.Length > 0);

    /// <summary>True when the peer is in the table.</summary>
    public bool Contains(PeerId peer) => Find(peer).Index >= 0;

    /// <summary>Notes that a peer that serves the protocol is alive.</summary>
    public SeenResult Seen(PeerId peer, DateTimeOffset now)
    {
        var key = DhtKey.Of(peer);
        var at = _self.CommonPrefixLength(key);
        if (at == DhtKey.Bits)
        {
            return new SeenResult(this, false, null);
        }

        var (live, waiting) = _buckets[at];
        var index = live.FindIndex(e => e.Peer == peer);
        if (index >= 0)
        {
            return new SeenResult(With(at, new Bucket(live.SetItem(index, live[index] with { LastSeen = now, Failures = 0 }), waiting), 0), true, null);
        }

        var entry = new RoutingEntry(peer, key, now, now, 0);
        var others = waiting.RemoveAll(e => e.Peer == peer);
        if (live.Length < _bucketSize)
        {
            return new SeenResult(With(at, new Bucket(live.Add(entry), others), 1), true, null);
        }

        others = others.Length < _bucketSize ? others : others.RemoveAt(0);
        return new SeenResult(With(at, new Bucket(live, others.Add(entry)), 0), false, live.MinBy(e => e.LastSeen));
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
        return entry.Failures < _maxFailures ? With(at, new Bucket(live.SetItem(index, entry), waiting), 0) : Removed(peer);
    }

    /// <summary>Drops a peer; the newest that waits takes its place.</summary>
    public RoutingTable Removed(PeerId peer)
    {
        var (at, index) = Find(peer);
        if (index < 0)
        {
            return at == DhtKey.Bits ? this : With(at, _buckets[at] with { Waiting = _buckets[at].Waiting.RemoveAll(e => e.Peer == peer) }, 0);
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
        var found = new List<RoutingEntry>();
        found.AddRange(_buckets[at].Live);
        if (found.Count < count)
        {
            for (var i = at + 1; i < DhtKey.Bits; i++)
            {
                found.AddRange(_buckets[i].Live);
            }
        }

        for (var i = at - 1; i >= 0 && found.Count < count; i--)
        {
            found.AddRange(_buckets[i].Live);
        }

        return [.. found.OrderBy(e => e.Key.DistanceTo(target)).Take(count).Select(e => e.Peer)];
    }

    private (int At, int Index) Find(PeerId peer)
    {
        var at = _self.CommonPrefixLength(DhtKey.Of(peer));
        return at == DhtKey.Bits ? (at, -1) : (at, _buckets[at].Live.FindIndex(e => e.Peer == peer));
    }

    private RoutingTable With(int at, Bucket bucket, int added) =>
        new(_self, _bucketSize, _maxFailures, _buckets.SetItem(at, bucket), Count + added);

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
