using System.Net;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Each part of the score by itself, and what outlives a connection.</summary>
public class PeerScoreTests
{
    private const string Topic = "t";
    private static readonly TopicScoreParameters Nothing = new()
    {
        TopicWeight = 1,
        TimeInMeshWeight = 0,
        FirstDeliveriesWeight = 0,
        MeshDeliveriesWeight = 0,
        MeshFailureWeight = 0,
        InvalidMessagesWeight = 0,
    };

    private long _now = 1000;

    [Fact]
    public void P1_time_in_the_mesh_counts_in_quanta_up_to_the_cap_and_ends_with_the_prune()
    {
        var (score, peer) = Start(Nothing with { TimeInMeshWeight = 0.5, TimeInMeshQuantum = TimeSpan.FromSeconds(1), TimeInMeshCap = 5 });
        score.Grafted(peer, Topic, _now);
        Beat(score, 3);
        Assert.Equal(1.5, peer.Value);
        Beat(score, 100);
        Assert.Equal(2.5, peer.Value);
        score.Pruned(peer, Topic);
        Assert.Equal(0, peer.Value);
    }

    [Fact]
    public void P2_who_brings_a_message_first_gains_up_to_the_cap()
    {
        var (score, peer) = Start(Nothing with { FirstDeliveriesWeight = 2, FirstDeliveriesCap = 3, FirstDeliveriesDecay = 0.5 });
        for (var i = 0; i < 5; i++)
        {
            Accept(score, peer, i);
        }

        Assert.Equal(6, peer.Value);
        Beat(score, 1);
        Assert.Equal(3, peer.Value);
    }

    [Fact]
    public void P3_a_mesh_peer_that_brings_too_little_loses_the_square_once_it_is_active()
    {
        var (score, peer) = Start(Nothing with { MeshDeliveriesWeight = -1, MeshDeliveriesThreshold = 4, MeshDeliveriesDecay = 1, MeshDeliveriesActivation = TimeSpan.FromSeconds(5) });
        score.Grafted(peer, Topic, _now);
        Beat(score, 5);
        Assert.Equal(0, peer.Value);
        Beat(score, 1);
        Assert.Equal(-16, peer.Value);
        Accept(score, peer, 1);
        Assert.Equal(-9, peer.Value);
        Accept(score, peer, 2);
        Accept(score, peer, 3);
        Accept(score, peer, 4);
        Accept(score, peer, 5);
        Assert.Equal(0, peer.Value);
    }

    [Fact]
    public void P3_copies_count_while_the_message_is_judged_and_within_the_window_after_it_once_each_and_not_later()
    {
        var weights = Nothing with { MeshDeliveriesWeight = -1, MeshDeliveriesDecay = 1, MeshDeliveriesWindow = TimeSpan.FromMilliseconds(10) };
        var score = new PeerScore(Of(weights));
        var peers = Enumerable.Range(1, 4).Select(i => score.Connect(GossipKeys.Peer(i), null)).ToArray();
        Array.ForEach(peers, p => score.Grafted(p, Topic, _now));
        var key = Key(1);
        score.Pending(peers[0], key);
        score.Duplicate(peers[1], Topic, key, _now);
        score.Duplicate(peers[1], Topic, key, _now);
        score.Accepted(peers[0], Topic, key, _now);
        score.Duplicate(peers[2], Topic, key, _now + 10);
        score.Duplicate(peers[2], Topic, key, _now + 10);
        score.Duplicate(peers[3], Topic, key, _now + 11);
        Assert.Equal([1.0, 1, 1, 0], peers.Select(p => Assert.Single(Assert.Single(score.Inspect(), s => s.Peer == p.Peer).Topics).MeshDeliveries));
    }

    [Fact]
    public void P3b_the_deficit_stays_with_a_peer_that_leaves_the_mesh_and_decays()
    {
        var (score, peer) = Start(Nothing with { MeshFailureWeight = -1, MeshFailureDecay = 0.5, MeshDeliveriesThreshold = 4, MeshDeliveriesActivation = TimeSpan.Zero });
        score.Grafted(peer, Topic, _now);
        Beat(score, 1);
        Assert.Equal(0, peer.Value);
        score.Pruned(peer, Topic);
        score.Pruned(peer, Topic);
        Assert.Equal(-16, peer.Value);
        Beat(score, 1);
        Assert.Equal(-8, peer.Value);
    }

    [Fact]
    public void P4_all_who_brought_an_invalid_message_lose_the_square_also_while_it_was_judged()
    {
        var score = new PeerScore(new PeerScoreParameters());
        var (first, second) = (score.Connect(GossipKeys.Peer(1), null), score.Connect(GossipKeys.Peer(2), null));
        foreach (var number in (int[])[1, 2])
        {
            score.Pending(first, Key(number));
            score.Duplicate(second, Topic, Key(number), _now);
            score.Rejected(Topic, Key(number), _now);
        }

        Assert.Equal((-4, -4), (first.Value, second.Value));
    }

    [Fact]
    public void A_message_that_is_ignored_neither_helps_nor_hurts_anybody()
    {
        var (score, peer) = Start(Nothing with { FirstDeliveriesWeight = 1, InvalidMessagesWeight = -1 });
        score.Pending(peer, Key(1));
        score.Ignored(Key(1));
        score.Duplicate(peer, Topic, Key(1), _now);
        Assert.Equal(0, peer.Value);
    }

    [Fact]
    public void P5_the_application_is_asked_anew_at_each_decay()
    {
        var opinion = 2.0;
        var score = new PeerScore(new PeerScoreParameters { AppSpecificScore = _ => opinion });
        var peer = score.Connect(GossipKeys.Peer(1), null);
        Assert.Equal(20, peer.Value);
        opinion = -1;
        Beat(score, 1);
        Assert.Equal(-10, peer.Value);
    }

    [Theory]
    [InlineData("203.0.113.7", -5 * 2 * 2)]
    [InlineData("::ffff:203.0.113.7", -5 * 2 * 2)]
    [InlineData("127.0.0.1", 0)]
    [InlineData("::1", 0)]
    [InlineData("198.51.100.9", 0)]
    public void P6_peers_of_one_address_over_the_threshold_weigh_on_all_of_them_unless_it_is_whitelisted(string address, double expected)
    {
        var defaults = new PeerScoreParameters();
        var score = new PeerScore(defaults with { ColocationWhitelist = [.. defaults.ColocationWhitelist, IPNetwork.Parse("198.51.100.0/24")] });
        var peers = Enumerable.Range(1, 12).Select(i => score.Connect(GossipKeys.Peer(i), IPAddress.Parse(address))).ToArray();
        Assert.All(peers, p => Assert.Equal(expected, p.Value));
        score.Disconnect(peers[0], _now);
        score.SetAddresses(peers[1], [IPAddress.Parse("192.0.2.1")]);
        Assert.Equal(0, peers[1].Value);
        Assert.Equal(0, peers[2].Value);
    }

    [Fact]
    public void P6_addresses_of_one_ipv6_network_are_one()
    {
        var score = new PeerScore(new PeerScoreParameters());
        var peers = Enumerable.Range(1, 11).Select(i => score.Connect(GossipKeys.Peer(i), IPAddress.Parse($"2001:db8:0:1::{i}"))).ToArray();
        Assert.All(peers, p => Assert.Equal(-5, p.Value));
    }

    [Fact]
    public void P6_who_leaves_in_debt_stays_counted()
    {
        var score = new PeerScore(new PeerScoreParameters());
        var address = IPAddress.Parse("203.0.113.7");
        for (var i = 1; i <= 30; i++)
        {
            var peer = score.Connect(GossipKeys.Peer(i), address);
            score.Misbehaved(peer);
            score.Disconnect(peer, _now);
        }

        Assert.Equal(-5 * 21 * 21, score.Connect(GossipKeys.Peer(31), address).Value);
    }

    [Fact]
    public void P7_misbehaviour_over_the_threshold_costs_the_square()
    {
        var score = new PeerScore(new PeerScoreParameters { BehaviourThreshold = 2 });
        var peer = score.Connect(GossipKeys.Peer(1), null);
        score.Misbehaved(peer, 2);
        Assert.Equal(0, peer.Value);
        score.Misbehaved(peer);
        score.Misbehaved(peer.Peer);
        Assert.Equal(-40, peer.Value);
    }

    [Fact]
    public void What_topics_add_is_capped_but_not_what_they_take()
    {
        var parameters = new PeerScoreParameters { TopicScoreCap = 10, DefaultTopic = Nothing with { FirstDeliveriesWeight = 100, InvalidMessagesWeight = -100 } };
        var score = new PeerScore(parameters);
        var peer = score.Connect(GossipKeys.Peer(1), null);
        score.Accepted(peer, "a", Key(1), _now);
        score.Accepted(peer, "b", Key(2), _now);
        Assert.Equal(10, peer.Value);
        score.InvalidMessage(peer, "b");
        score.InvalidMessage(peer, "c");
        score.InvalidMessage(peer, "c");
        Assert.Equal(200 - 100 - 400, peer.Value);
    }

    [Fact]
    public void Debts_wait_for_their_owner_and_merits_do_not()
    {
        var (score, peer) = Start(Nothing with { FirstDeliveriesWeight = 1, InvalidMessagesWeight = -1 });
        Accept(score, peer, 1);
        Accept(score, peer, 2);
        score.InvalidMessage(peer, Topic);
        Assert.Equal(1, peer.Value);
        score.Disconnect(peer, _now);
        Beat(score, 60);
        Assert.Equal(-1, score.Connect(peer.Peer, null).Value);
    }

    [Fact]
    public void Debts_are_forgotten_after_the_retention_and_never_more_than_so_many_are_kept()
    {
        var score = new PeerScore(new PeerScoreParameters { MaxRetained = 5 });
        for (var i = 1; i <= 8; i++)
        {
            var peer = score.Connect(GossipKeys.Peer(i), null);
            score.Misbehaved(peer);
            score.Disconnect(peer, _now);
        }

        Assert.Equal(0, score.Connect(GossipKeys.Peer(3), null).Value);
        Assert.Equal(-10, score.Connect(GossipKeys.Peer(4), null).Value);
        _now += 3_600_001;
        Beat(score, 1);
        Assert.Equal(0, score.Connect(GossipKeys.Peer(5), null).Value);
    }

    [Fact]
    public void Who_leaves_before_the_verdict_is_held_to_it_when_it_comes_back()
    {
        var score = new PeerScore(new PeerScoreParameters());
        var peer = score.Connect(GossipKeys.Peer(1), null);
        score.Pending(peer, Key(1));
        score.Disconnect(peer, _now);
        score.Rejected(Topic, Key(1), _now);
        Assert.Equal(-1, score.Connect(GossipKeys.Peer(1), null).Value);
    }

    private static PeerScoreParameters Of(TopicScoreParameters topic) => new() { Topics = new Dictionary<string, TopicScoreParameters> { [Topic] = topic }, TopicScoreCap = 0 };

    private static MessageKey Key(int number) => new(1, (ulong)number);

    private static (PeerScore Score, PeerScoreRecord Peer) Start(TopicScoreParameters topic)
    {
        var score = new PeerScore(Of(topic));
        return (score, score.Connect(GossipKeys.Peer(1), null));
    }

    private void Accept(PeerScore score, PeerScoreRecord peer, int number) => score.Accepted(peer, Topic, Key(number), _now);

    private void Beat(PeerScore score, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _now += 1000;
            score.Decay(_now);
        }
    }
}
