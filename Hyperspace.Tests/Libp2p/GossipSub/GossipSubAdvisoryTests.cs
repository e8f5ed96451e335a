using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Holes that other implementations had, by their advisories.</summary>
public class GossipSubAdvisoryTests : RouterFixture
{
    private const string Unique = "unique";

    /// <summary>A PRUNE with an enormous backoff made the time of its end overflow, and the node crash.</summary>
    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(ulong.MaxValue / 1000)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData((ulong)int.MaxValue + 1)]
    public void GHSA_gc42_3jg7_rxr2_a_prune_with_an_enormous_backoff_bars_a_peer_for_an_hour_and_breaks_nothing(ulong backoff)
    {
        AddSubscribers(1);
        Subscribe();
        Receive(1, Wire(new GossipRpc { Prune = [new(Topic, backoff)] }));
        Beat(30);
        Assert.Empty(Router.MeshOf(Topic));
        Now += 3_602_000;
        Beat();
        Assert.Single(Router.MeshOf(Topic));
    }

    /// <summary>The same overflow where expired backoffs are swept and re-armed, heartbeats later and again and again.</summary>
    [Fact]
    public void GHSA_xqmp_fxgv_xvq5_backoffs_that_are_renewed_and_swept_never_overflow_nor_pile_up()
    {
        AddSubscribers(1);
        Subscribe();
        for (var i = 0; i < 100; i++)
        {
            Receive(1, Wire(new GossipRpc { Prune = [new(Topic, ulong.MaxValue - (ulong)i), new(Topic, 0), new(Topic, 1)] }));
            Beat(16);
        }

        Now += 3_602_000;
        Beat(16);
        Assert.Single(Router.MeshOf(Topic));
    }

    /// <summary>Subscriptions to ever new topics, several 100,000 in one RPC, filled the memory, and were not given back at a disconnect.</summary>
    [Fact]
    public void GHSA_4f8r_922h_2vgv_subscriptions_to_ever_new_topics_are_bounded_per_rpc_and_per_peer_and_leave_with_the_peer()
    {
        Add(1);
        var flood = Wire(new GossipRpc { Subscriptions = [.. Enumerable.Range(0, 300_000).Select(i => new TopicSubscription(Unique + i, true))] });
        Assert.Equal(GossipRpcCodec.MaxItems, flood.Subscriptions!.Count);
        Assert.True(flood.Excessive);
        for (var i = 0; i < 20; i++)
        {
            Receive(1, flood);
            Receive(1, new GossipRpc { Subscriptions = [.. Enumerable.Range(i * 5000, 5000).Select(n => new TopicSubscription(Unique + n, true))] });
        }

        Assert.Equal(Parameters.MaxTopicsPerPeer, Router.KnownTopics);
        Assert.True(ScoreOf(1) < 0);
        Do((r, _) => r.RemovePeer(Peer(1), Now));
        Assert.Equal(0, Router.KnownTopics);
    }

    [Fact]
    public void GHSA_4f8r_922h_2vgv_a_subscription_filter_keeps_out_topics_that_are_none_of_this_peers_business()
    {
        Use(Parameters with { SubscriptionFilter = static topic => topic == Topic });
        Add(1);
        Receive(1, new GossipRpc { Subscriptions = [new(Unique, true), new(Topic, true)] });
        Assert.Equal(1, Router.KnownTopics);
        Assert.Single(Router.SubscribersOf(Topic));
    }

    /// <summary>The RPC as it comes from the wire.</summary>
    private static GossipRpc Wire(GossipRpc rpc)
    {
        var frame = Assert.Single(GossipRpcCodec.EncodeControl(rpc, 64 << 20)).AsSpan();
        Hyperspace.Libp2p.Multiformats.Varint.TryRead(frame, out _, out var prefix);
        return GossipRpcCodec.Decode(frame[prefix..], new TopicTable(), new GossipSubParameters())!;
    }
}
