using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class StoreTests
{
    private static readonly DhtKey Self = DhtKey.Of("self"u8);
    private static readonly TimeSpan Ttl = TimeSpan.FromHours(48);

    [Property(MaxTest = 100)]
    public Property A_full_record_store_keeps_the_closest_and_stays_within_its_bounds() => Prop.ForAll(Gen.Choose(0, 500).ArrayOf(80).ToArbitrary(), numbers =>
    {
        var store = new RecordStore(Self, new(10, 100, 10, 100, Ttl));
        foreach (var n in numbers)
        {
            var kept = store.Put(Key(n), new byte[n % 20], Peers.Number(n % 3), Peers.Start);
            Assert.Equal(kept, store.Get(Key(n), Peers.Start) is not null);
            Assert.True(store.Count <= 10 && store.Bytes <= 100);
        }

        var held = numbers.Where(n => store.Get(Key(n), Peers.Start) is not null).Distinct().ToList();
        return held.Count == store.Count && held.Sum(n => Key(n).Length + (n % 20)) == store.Bytes;
    });

    [Fact]
    public void Records_of_its_own_are_never_pushed_out_nor_expire()
    {
        var store = new RecordStore(Self, new(3, 1000, 3, 1000, Ttl));
        store.Put(Key(1), "own"u8, null, Peers.Start);
        for (var i = 2; i < 50; i++)
        {
            store.Put(Key(i), "other"u8, Peers.Number(1), Peers.Start);
        }

        store.Put(Key(1), "newer"u8, Peers.Number(1), Peers.Start);
        store.Expire(Peers.Start + Ttl);
        Assert.Equal(1, store.Count);
        Assert.Equal("newer", Encoding.UTF8.GetString(store.Get(Key(1), Peers.Start + Ttl)!.Value.Value.Span));
        Assert.Equal(0, store.Bytes);
    }

    [Fact]
    public void A_record_lives_for_its_time_and_no_longer()
    {
        var store = new RecordStore(Self, new(3, 1000, 3, 1000, Ttl));
        store.Put(Key(1), "v"u8, Peers.Number(1), Peers.Start);
        Assert.NotNull(store.Get(Key(1), Peers.Start + Ttl - TimeSpan.FromTicks(1)));
        Assert.Null(store.Get(Key(1), Peers.Start + Ttl));
        store.Expire(Peers.Start + Ttl);
        Assert.Equal((0, 0), (store.Count, store.Bytes));
    }

    [Fact]
    public void Value_flood_a_peer_that_puts_too_much_pushes_out_only_its_own_records()
    {
        var store = new RecordStore(Self, new(1000, 100_000, 5, 200, Ttl));
        store.Put(Key(1000), "honest"u8, Peers.Number(1), Peers.Start);
        for (var i = 0; i < 500; i++)
        {
            store.Put(Key(i), new byte[i % 100], Peers.Number(2), Peers.Start);
            Assert.True(store.Count <= 6 && store.Bytes <= 200 + "k1000honest".Length);
        }

        Assert.NotNull(store.Get(Key(1000), Peers.Start));

        // A record that another peer puts again is that peer's from then on.
        store.Put(Key(1000), "again"u8, Peers.Number(3), Peers.Start);
        store.Expire(Peers.Start + Ttl);
        Assert.Equal((0, 0), (store.Count, store.Bytes));
    }

    [Fact]
    public void A_provider_lives_for_its_time_after_the_last_announcement()
    {
        var store = new ProviderStore(Self, 10, 10, 10, Ttl);
        store.Add(Key(1), Provider(1), Peers.Start);
        store.Add(Key(1), Provider(2), Peers.Start);
        store.Add(Key(1), Provider(1), Peers.Start.AddHours(22));
        Assert.Equal([Peers.Number(1), Peers.Number(2)], store.Get(Key(1), Peers.Start.AddHours(23)).Select(p => p.Peer));
        Assert.Equal([Peers.Number(1)], store.Get(Key(1), Peers.Start.AddHours(48)).Select(p => p.Peer));
        store.Expire(Peers.Start.AddHours(70));
        Assert.Equal(0, store.Count);
    }

    [Property(MaxTest = 100)]
    public Property The_provider_store_stays_within_its_bounds(int seed)
    {
        var random = new Random(seed);
        var store = new ProviderStore(Self, maxKeys: 8, maxProvidersPerKey: 3, maxKeysPerProvider: 4, Ttl);
        for (var i = 0; i < 200; i++)
        {
            store.Add(Key(random.Next(30)), Provider(random.Next(10)), Peers.Start.AddSeconds(i));
            if (random.Next(20) == 0)
            {
                store.Expire(Peers.Start.AddSeconds(i) + Ttl - TimeSpan.FromSeconds(random.Next(30)));
            }
        }

        var held = Enumerable.Range(0, 30).Select(k => store.Get(Key(k), Peers.Start.AddSeconds(200))).Where(p => p.Count > 0).ToList();
        return (held.Count == store.Count && store.Count <= 8 && held.All(p => p.Count <= 3)
            && held.SelectMany(p => p).GroupBy(p => p.Peer).All(g => g.Count() <= 4)).ToProperty();
    }

    private static byte[] Key(int n) => Encoding.UTF8.GetBytes($"k{n}");

    private static PeerAddresses Provider(int n) => new(Peers.Number(n), Peers.AddressOf(Peers.Number(n)));
}
