using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class RoutingTableTests
{
    private const int BucketSize = 4;
    private static readonly PeerId Self = Peers.Number(0);
    private static readonly DhtKey SelfKey = DhtKey.Of(Self);

    /// <summary>Steps over 150 peers: 0–5 seen, 6 failed, 7 removed.</summary>
    private static readonly Arbitrary<(int Peer, int Kind)[]> Steps =
        (from peer in Gen.Choose(0, 149) from kind in Gen.Choose(0, 7) select (peer, kind)).ArrayOf(300).ToArbitrary();

    [Property(MaxTest = 60)]
    public Property Buckets_never_overflow_and_hold_each_peer_once() => Prop.ForAll(Steps, steps =>
    {
        var table = Run(steps);
        var entries = table.Entries.ToList();
        return entries.Count == table.Count
            && entries.DistinctBy(e => e.Peer).Count() == entries.Count
            && entries.All(e => e.Peer != Self && table.Contains(e.Peer))
            && entries.GroupBy(e => SelfKey.CommonPrefixLength(e.Key)).All(b => b.Count() <= BucketSize && GroupsOf(b).All(g => g <= 2))
            && GroupsOf(entries).All(g => g <= 3)
            && table.OccupiedBuckets.SequenceEqual(entries.Select(e => SelfKey.CommonPrefixLength(e.Key)).Distinct().Order());
    });

    [Property(MaxTest = 60)]
    public Property The_closest_are_those_that_a_full_search_finds() => Prop.ForAll(Steps, Gen.Choose(0, 5000).ToArbitrary(), Gen.Choose(1, 30).ToArbitrary(), (steps, target, count) =>
    {
        var table = Run(steps);
        var key = target == 0 ? SelfKey : DhtKey.Of(BitConverter.GetBytes(target));
        return table.Closest(key, count).SequenceEqual(table.Entries.OrderBy(e => e.Key.DistanceTo(key)).Take(count).Select(e => e.Peer));
    });

    [Property(MaxTest = 60)]
    public Property A_newcomer_never_displaces_a_peer_that_answers() => Prop.ForAll(Steps, Gen.Choose(200, 400).ToArbitrary(), (steps, newcomer) =>
    {
        var before = Run(steps);
        var after = before.Seen(Peers.Number(newcomer), null, Peers.Start.AddDays(1));
        return before.Entries.All(e => after.Table.Contains(e.Peer)) && after.Present == after.Table.Contains(Peers.Number(newcomer));
    });

    [Fact]
    public void A_full_bucket_doubts_its_least_recently_seen_and_the_newest_that_waits_takes_its_place()
    {
        var crowd = Enumerable.Range(1, 100).Select(Peers.Number).Where(p => SelfKey.CommonPrefixLength(DhtKey.Of(p)) == 0).Take(BucketSize + 2).ToList();
        var table = new RoutingTable(SelfKey, new() { BucketSize = BucketSize });
        for (var i = 0; i < BucketSize; i++)
        {
            table = table.Seen(crowd[i], null, Peers.Start.AddMinutes(i)).Table;
        }

        table = table.Seen(crowd[0], null, Peers.Start.AddHours(1)).Table;
        var first = table.Seen(crowd[^2], null, Peers.Start.AddHours(2));
        var second = first.Table.Seen(crowd[^1], null, Peers.Start.AddHours(3));
        Assert.False(second.Present);
        Assert.Equal(crowd[1], second.Questionable!.Peer);
        table = second.Table.Failed(crowd[1]).Failed(crowd[1]);
        Assert.True(table.Contains(crowd[1]));
        Assert.True(table.Seen(crowd[1], null, Peers.Start.AddHours(4)).Table.Failed(crowd[1]).Contains(crowd[1]));
        table = table.Failed(crowd[1]);
        Assert.False(table.Contains(crowd[1]));
        Assert.True(table.Contains(crowd[^1]));
        Assert.Equal(BucketSize, table.Count);
    }

    [Property]
    public bool Distance_is_a_metric_and_agrees_with_the_common_prefix(int a, int b, int c)
    {
        var (x, y, z) = (DhtKey.Of(BitConverter.GetBytes(a)), DhtKey.Of(BitConverter.GetBytes(b)), DhtKey.Of(BitConverter.GetBytes(c)));
        return x.DistanceTo(y) == y.DistanceTo(x)
            && (x.DistanceTo(x), x.CommonPrefixLength(x)) == (default, DhtKey.Bits)
            && x.DistanceTo(y).DistanceTo(y.DistanceTo(z)) == x.DistanceTo(z)
            && (x.CommonPrefixLength(y) <= x.CommonPrefixLength(z) || x.DistanceTo(y).CompareTo(x.DistanceTo(z)) < 0);
    }

    [Fact]
    public void Eclipse_by_ground_ids_one_ip_group_gets_few_places_however_many_ids_it_has()
    {
        var now = Peers.Start;
        var table = new RoutingTable(SelfKey, new());
        var group = AddressBlock.Of(IPAddress.Parse("203.0.113.7"));
        for (var i = 1; i < 2000; i++)
        {
            table = table.Seen(Peers.Number(i), group, now).Table;
        }

        Assert.Equal(3, table.Count);
        Assert.Equal([2, 1], table.Entries.GroupBy(e => SelfKey.CommonPrefixLength(e.Key)).Select(b => b.Count()));

        // They wait in no queue either: a place that falls free goes to somebody else.
        foreach (var entry in table.Entries.ToList())
        {
            table = table.Removed(entry.Peer);
        }

        Assert.Equal(0, table.Count);
        Assert.True(table.Seen(Peers.Number(5000), AddressBlock.Of(IPAddress.Parse("198.51.100.1")), now).Present);
    }

    [Fact]
    public void A_peer_that_moves_into_a_crowded_group_loses_its_place()
    {
        var (crowded, other) = (AddressBlock.Of(IPAddress.Parse("203.0.113.7")), AddressBlock.Of(IPAddress.Parse("198.51.100.1")));
        var table = new RoutingTable(SelfKey, new() { MaxPerIpGroup = 1 });
        table = table.Seen(Peers.Number(1), crowded, Peers.Start).Table.Seen(Peers.Number(2), other, Peers.Start).Table;
        Assert.False(table.Seen(Peers.Number(2), crowded, Peers.Start).Present);
        Assert.True(table.Seen(Peers.Number(1), other, Peers.Start).Table.Count == 1);
    }

    [Theory]
    [InlineData("127.0.0.1", null)]
    [InlineData("::1", null)]
    [InlineData("10.1.2.3", null)]
    [InlineData("172.16.9.9", null)]
    [InlineData("192.168.1.1", null)]
    [InlineData("169.254.1.1", null)]
    [InlineData("fe80::1", null)]
    [InlineData("fd00::1", null)]
    [InlineData("::ffff:10.0.0.1", null)]
    [InlineData("203.0.113.7", "203.0.250.1")]
    [InlineData("2001:db8::1", "2001:db8:ffff::2")]
    [InlineData("::ffff:203.0.1.1", "203.0.2.2")]
    public void Neighbouring_addresses_are_of_one_group_and_private_ones_of_none(string address, string? neighbour)
    {
        var group = AddressBlock.Of(IPAddress.Parse(address));
        Assert.Equal(neighbour is null ? null : AddressBlock.Of(IPAddress.Parse(neighbour)), group);
        Assert.Equal(neighbour is null, group is null);
    }

    private static IEnumerable<int> GroupsOf(IEnumerable<RoutingEntry> entries) =>
        entries.Where(e => e.Group is not null).GroupBy(e => e.Group).Select(g => g.Count());

    // Half of the peers share a few addresses.
    private static AddressBlock? GroupOf(int number) => number % 2 == 0 ? null : new AddressBlock((uint)(number % 7), 4);

    private static RoutingTable Run((int Peer, int Kind)[] steps)
    {
        var table = new RoutingTable(SelfKey, new() { BucketSize = BucketSize });
        var now = Peers.Start;
        foreach (var (number, kind) in steps)
        {
            now = now.AddSeconds(1);
            var peer = Peers.Number(number);
            table = kind switch { 6 => table.Failed(peer), 7 => table.Removed(peer), _ => table.Seen(peer, GroupOf(number), now).Table };
        }

        return table;
    }
}
