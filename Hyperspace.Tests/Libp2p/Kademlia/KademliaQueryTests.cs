using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class KademliaQueryTests
{
    private static readonly QueryLimits Limits = new() { K = 4, Alpha = 3, MaxRequests = 40, MaxPeers = 60 };

    [Fact]
    public void In_a_network_of_two_hundred_every_lookup_finds_the_closest_in_few_hops()
    {
        var net = new KademliaSimulation(1);
        net.Join(200);
        var random = new Random(2);
        var (exact, hops) = (0, 0);
        for (var i = 0; i < 100; i++)
        {
            var key = new byte[34];
            random.NextBytes(key);
            var from = net.Alive.ElementAt(random.Next(net.Alive.Count));
            var asked = 0;
            var found = net.Lookup(from, key, e => asked += e is QueryEffect.Ask ? 1 : 0);
            var truth = Truth(net, from, key);
            exact += found.Closest.SequenceEqual(truth) ? 1 : 0;
            hops = Math.Max(hops, found.Hops);
            Assert.True(found.Closest.Intersect(truth).Count() >= 18);
            Assert.InRange(asked, 20, 80);
        }

        Assert.True(exact >= 95, $"{exact} of 100 lookups found exactly the twenty closest.");
        Assert.InRange(hops, 1, 4);
    }

    [Fact]
    public void With_a_third_of_the_network_down_lookups_still_find_the_closest_that_live()
    {
        var net = new KademliaSimulation(3);
        net.Join(150);
        var random = new Random(4);
        foreach (var peer in net.Alive.OrderBy(_ => random.Next()).Take(50))
        {
            net.Kill(peer);
        }

        net.Refresh();
        for (var i = 0; i < 20; i++)
        {
            var key = new byte[34];
            random.NextBytes(key);
            var from = net.Alive.ElementAt(random.Next(net.Alive.Count));
            var found = net.Lookup(from, key);
            Assert.True(found.Closest.Intersect(Truth(net, from, key)).Count() >= 18);
            Assert.All(found.Closest, p => Assert.Contains(p, net.Alive));
        }
    }

    [Fact]
    public void Invented_peers_cannot_lead_a_query_on()
    {
        var net = new KademliaSimulation(5);
        net.Join(30);
        var key = new byte[] { 1, 2, 3 };
        var from = net.Alive.First();
        var invented = 1000;
        var start = net.Now;
        var found = net.Lookup(from, key, null, (_, reply) =>
        {
            reply.CloserPeers.Clear();
            for (var i = 0; i < 30; i++)
            {
                var peer = Peers.Number(1000 + (invented++ % 600));
                reply.CloserPeers.Add(KademliaMessages.ToWire(new(peer, Peers.AddressOf(peer))));
            }

            return reply;
        });
        Assert.True(found.Requests <= new QueryLimits().MaxRequests);
        Assert.True(net.Now - start <= new QueryLimits().QueryTimeout);
        Assert.NotEmpty(found.Closest);
    }

    /// <summary>Any answers, failures, ticks and repeats, in any order: the machine keeps its promises.</summary>
    [Property(MaxTest = 200)]
    public Property A_query_asks_each_peer_once_at_most_alpha_at_a_time_and_ends() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var now = Peers.Start;
        var self = Peers.Number(0);
        var query = new KademliaQuery(DhtKey.Of(BitConverter.GetBytes(seed)), self, Limits, now);
        var (asked, open, answered) = (new HashSet<PeerId>(), new List<PeerId>(), new HashSet<PeerId>());
        var ends = 0;
        Perform(query.Start(Some(random), now));
        for (var step = 0; ends == 0; step++)
        {
            Assert.True(step < 2000, "A query must end.");
            Assert.True(open.Count is > 0 and <= 3);
            var peer = open[random.Next(open.Count)];
            now += TimeSpan.FromMilliseconds(random.Next(0, 2000));
            QueryEvent e = random.Next(6) switch
            {
                0 => new QueryEvent.Failed(peer),
                1 => new QueryEvent.Tick(),
                2 => new QueryEvent.Answered(Peers.Number(random.Next(300)), Some(random)),
                _ => new QueryEvent.Answered(peer, Some(random)),
            };
            if (e is QueryEvent.Answered(var from, _) && open.Remove(from))
            {
                answered.Add(from);
            }
            else if (e is QueryEvent.Failed)
            {
                open.Remove(peer);
            }

            Perform(query.Handle(e, now));
        }

        Assert.Empty(query.Handle(new QueryEvent.Tick(), now));
        Assert.True(query.Closest.Count <= Limits.K);
        return ends == 1 && open.Count == 0 && asked.Count <= Limits.MaxRequests && !asked.Contains(self) && query.Closest.All(answered.Contains);

        void Perform(IReadOnlyList<QueryEffect> effects)
        {
            foreach (var effect in effects)
            {
                switch (effect)
                {
                    case QueryEffect.Ask(var peer):
                        Assert.True(asked.Add(peer));
                        open.Add(peer);
                        break;
                    case QueryEffect.GiveUp(var peer):
                        Assert.True(open.Remove(peer));
                        break;
                    case QueryEffect.Finished:
                        ends++;
                        break;
                }
            }
        }
    });

    [Fact]
    public void Silent_peers_are_given_up_after_the_time_out_and_the_query_after_its_own()
    {
        var now = Peers.Start;
        var query = new KademliaQuery(default, Peers.Number(0), Limits with { QueryTimeout = TimeSpan.FromSeconds(15) }, now);
        Assert.Equal(3, query.Start(Enumerable.Range(1, 9).Select(Peers.Number), now).OfType<QueryEffect.Ask>().Count());
        Assert.Equal(now.AddSeconds(10), query.NextTick);
        Assert.Empty(query.Handle(new QueryEvent.Tick(), now.AddSeconds(9)));
        var effects = query.Handle(new QueryEvent.Tick(), now.AddSeconds(10));
        Assert.Equal((3, 3), (effects.OfType<QueryEffect.GiveUp>().Count(), effects.OfType<QueryEffect.Ask>().Count()));
        effects = query.Handle(new QueryEvent.Tick(), now.AddSeconds(15));
        Assert.Equal(QueryEnd.TimedOut, Assert.IsType<QueryEffect.Finished>(effects[^1]).Why);
    }

    [Fact]
    public void With_nobody_to_ask_a_query_ends_at_once()
    {
        var query = new KademliaQuery(default, Peers.Number(0), Limits, Peers.Start);
        Assert.Equal(QueryEnd.Converged, Assert.IsType<QueryEffect.Finished>(Assert.Single(query.Start([Peers.Number(0)], Peers.Start))).Why);
    }

    private static List<PeerId> Some(Random random) => [.. Enumerable.Range(0, random.Next(0, 9)).Select(_ => Peers.Number(random.Next(300)))];

    private static List<PeerId> Truth(KademliaSimulation net, PeerId from, byte[] key) =>
        [.. net.Alive.Where(p => p != from).OrderBy(p => DhtKey.Of(p).DistanceTo(DhtKey.Of(key))).Take(20)];
}
