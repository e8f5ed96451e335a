using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Benchmarks.Simulation.Dht;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Tests.Libp2p.Kademlia;

public class KademliaQueryTests
{
    private static readonly QueryLimits Limits = new() { K = 4, Alpha = 3, MaxRequests = 40, MaxPeers = 60 };

    [Fact]
    public void In_a_network_of_two_hundred_every_lookup_finds_the_closest_in_few_hops()
    {
        var net = new DhtNetwork(1);
        net.Join(200);
        var random = new Random(2);
        var (exact, hops) = (0, 0);
        for (var i = 0; i < 100; i++)
        {
            var key = RandomKey(random);
            var from = net.Any();
            var found = net.Run(net.LookupOf(from, key));
            var truth = net.Truth(from, key);
            exact += found.Closest.SequenceEqual(truth) ? 1 : 0;
            hops = Math.Max(hops, found.Hops);
            Assert.True(found.Closest.Intersect(truth).Count() >= 18);
            Assert.InRange(found.Requests, 20, 80);
        }

        Assert.True(exact >= 95, $"{exact} of 100 lookups found exactly the twenty closest.");
        Assert.InRange(hops, 1, 5);
    }

    [Fact]
    public void With_a_third_of_the_network_down_lookups_still_find_the_closest_that_live()
    {
        var net = new DhtNetwork(3);
        net.Join(150);
        var random = new Random(4);
        for (var i = 0; i < 50; i++)
        {
            net.Any().Up = false;
        }

        net.Refresh();
        for (var i = 0; i < 20; i++)
        {
            var key = RandomKey(random);
            var from = net.Any();
            var found = net.Run(net.LookupOf(from, key));
            Assert.True(found.Closest.Intersect(net.Truth(from, key)).Count() >= 18);
            Assert.All(found.Closest, p => Assert.True(net.Find(p)!.Up));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Poisoned_closer_peers_invented_ones_cannot_lead_a_query_on(int paths)
    {
        var net = new DhtNetwork(5, options: new() { DisjointPaths = paths });
        net.Join(30);
        var invented = 0;
        foreach (var node in net.Nodes.Skip(1))
        {
            // Thirty each time, ten more than anybody may name, and none of them there.
            node.Lie = _ => [.. Enumerable.Range(0, 30).Select(_ => Peers.Number(1000 + (invented++ % 600)))];
        }

        var start = net.Time.Now;
        var found = net.Run(net.LookupOf(net.Nodes[0], "key"u8.ToArray()));
        Assert.True(found.Requests <= new QueryLimits().MaxRequests);
        Assert.True(net.Time.Now - start <= new QueryLimits().QueryTimeout.TotalMilliseconds);
        Assert.NotEmpty(found.Closest);
        Assert.All(found.Closest, p => Assert.NotNull(net.Find(p)));
    }

    /// <summary>Colluders near the target name only each other. On one path they crowd out whom honest peers name; on a path of its own an honest answer is followed to its end.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Poisoned_closer_peers_of_one_path_do_not_end_another(int paths, bool reached)
    {
        var now = Peers.Start;
        var byDistance = Enumerable.Range(1, 300).Select(Peers.Number).OrderBy(p => DhtKey.Of(p).DistanceTo(default)).ToList();
        var (colluders, holder, poisoner, honest) = (byDistance.Take(30).ToList(), byDistance[100], byDistance[150], byDistance[200]);
        var query = new KademliaQuery(default, Peers.Number(0), Limits with { DisjointPaths = paths }, now);
        var open = new Queue<PeerId>();
        var asked = new HashSet<PeerId>();
        Perform(query.Start([poisoner, honest], now));
        while (open.TryDequeue(out var peer))
        {
            List<PeerId> named = colluders.Contains(peer) || peer == poisoner ? [.. colluders.Take(20)] : peer == honest ? [holder] : [];
            Perform(query.Handle(new QueryEvent.Answered(peer, named), now));
        }

        Assert.True(query.IsFinished);
        Assert.Equal(reached, asked.Contains(holder));

        void Perform(IReadOnlyList<QueryEffect> effects)
        {
            foreach (var ask in effects.OfType<QueryEffect.Ask>())
            {
                open.Enqueue(ask.Peer);
                asked.Add(ask.Peer);
            }
        }
    }

    [Fact]
    public void A_reply_may_name_k_peers_and_no_more_are_heard_of()
    {
        var now = Peers.Start;
        var query = new KademliaQuery(default, Peers.Number(0), Limits with { Alpha = 100, MaxPeers = 600, MaxRequests = 600 }, now);
        query.Start([Peers.Number(1)], now);
        var named = Enumerable.Range(2, 500).Select(Peers.Number).ToList();
        var asked = query.Handle(new QueryEvent.Answered(Peers.Number(1), named), now).OfType<QueryEffect.Ask>().Select(a => a.Peer);
        Assert.Subset(named.Take(Limits.K).ToHashSet(), asked.ToHashSet());
    }

    /// <summary>Any answers, failures, ticks and repeats, in any order, on one to five paths: the machine keeps its promises.</summary>
    [Property(MaxTest = 200)]
    public Property A_query_asks_each_peer_once_at_most_alpha_at_a_time_and_ends_with_the_closest_that_answered() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var now = Peers.Start;
        var self = Peers.Number(0);
        var target = DhtKey.Of(BitConverter.GetBytes(seed));
        var limits = Limits with { DisjointPaths = random.Next(1, 6) };
        var query = new KademliaQuery(target, self, limits, now);
        var (asked, open, answered) = (new HashSet<PeerId>(), new List<PeerId>(), new HashSet<PeerId>());

        var ends = 0;
        Perform(query.Start(Some(random), now));
        for (var step = 0; ends == 0; step++)
        {
            Assert.True(step < 2000, "A query must end.");
            Assert.InRange(open.Count, 1, limits.Alpha);
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
        return ends == 1 && open.Count == 0 && asked.Count <= limits.MaxRequests && asked.Count == query.Requests && !asked.Contains(self)
            && query.Closest.SequenceEqual(answered.OrderBy(p => DhtKey.Of(p).DistanceTo(target)).Take(limits.K));

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

    /// <summary>Every seed's answers name peers of its own world; a path that crossed into another would ask the wrong one.</summary>
    [Property(MaxTest = 100)]
    public Property Disjoint_paths_share_no_peer_and_a_path_goes_on_only_with_what_it_was_told() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var now = Peers.Start;
        const int Paths = 3;
        var target = DhtKey.Of(BitConverter.GetBytes(seed));
        var query = new KademliaQuery(target, Peers.Number(0), Limits with { DisjointPaths = Paths, Alpha = 4 }, now);
        var seeds = Enumerable.Range(1, 9).Select(Peers.Number).OrderBy(p => DhtKey.Of(p).DistanceTo(target)).ToList();
        var pathOf = seeds.Select((p, i) => (Peer: p, Path: i % Paths)).ToDictionary(p => p.Peer, p => p.Path);
        var open = new List<PeerId>();
        var asked = new int[Paths];
        var ended = Perform(query.Start(seeds, now));
        while (!ended)
        {
            var waiting = open.GroupBy(p => pathOf[p]).ToList();
            Assert.All(waiting, path => Assert.True(path.Count() <= 2, "A path takes no more than its share of alpha."));
            var peer = open[random.Next(open.Count)];
            open.Remove(peer);

            // Path 0 is led astray: its peers name only peers that path 0 alone hears of, and so do the others.
            var named = Enumerable.Range(0, 5).Select(_ => Peers.Number(10 + (random.Next(60) * Paths) + pathOf[peer])).ToList();
            named.ForEach(p => pathOf.TryAdd(p, (NumberOf(p) - 10) % Paths));
            ended = Perform(query.Handle(new QueryEvent.Answered(peer, named), now));
        }

        // Each path comes to its own end, however near the peers are that another one found.
        return asked.All(n => n >= Limits.K);

        bool Perform(IReadOnlyList<QueryEffect> effects)
        {
            foreach (var ask in effects.OfType<QueryEffect.Ask>())
            {
                open.Add(ask.Peer);
                asked[pathOf[ask.Peer]]++;
            }

            return effects.OfType<QueryEffect.Finished>().Any();
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

    private static byte[] RandomKey(Random random)
    {
        var key = new byte[34];
        random.NextBytes(key);
        return key;
    }

    private static int NumberOf(PeerId peer) => Enumerable.Range(0, 400).First(n => Peers.Number(n) == peer);
}
