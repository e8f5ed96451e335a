using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>The service over real connections on loopback.</summary>
public class GossipSubServiceTests
{
    private const string Topic = "hyperspace/tasks/demo";

    [Theory]
    [InlineData(0)]
    [InlineData(256)]
    [InlineData(1 << 20)]
    public async Task A_message_of_any_size_reaches_a_subscriber(int size)
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        var (messages, _) = b.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Contains(b.PeerId), what: "a knows that b subscribes");
        var data = new byte[size];
        new Random(size).NextBytes(data);
        var id = await a.Gossip.PublishAsync(Topic, data);
        var message = await GossipPeer.NextAsync(messages);
        Assert.Equal(data, message.Data.ToArray());
        Assert.Equal(id.ToArray(), message.Id.ToArray());
        Assert.Equal((Topic, a.PeerId, a.PeerId), (message.Topic, message.Author, message.ReceivedFrom));
        Assert.Equal((1, 0), (a.Gossip.Counters.Published, a.Gossip.Counters.Delivered));
        Assert.Equal((1, 0), (b.Gossip.Counters.Delivered, b.Gossip.Counters.Rejected));
    }

    [Fact]
    public async Task A_chain_of_peers_relays_both_ways_and_forms_meshes()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        await using var c = await GossipPeer.StartAsync();
        var (atA, _) = a.Subscribe(Topic);
        var (atB, _) = b.Subscribe(Topic);
        var (atC, _) = c.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await c.Network.Switch.DialAsync(b.Network.Address);
        Assert.True(a.Network.Switch.HasDialed(b.PeerId));
        Assert.False(b.Network.Switch.HasDialed(a.PeerId));
        await Eventually.TrueAsync(() => a.Gossip.MeshOf(Topic).Count == 1 && b.Gossip.MeshOf(Topic).Count == 2 && c.Gossip.MeshOf(Topic).Count == 1, what: "the mesh has formed");
        await a.Gossip.PublishAsync(Topic, "from a"u8.ToArray());
        var message = await GossipPeer.NextAsync(atC);
        Assert.Equal((a.PeerId, b.PeerId), (message.Author, message.ReceivedFrom));
        Assert.Equal(a.PeerId, (await GossipPeer.NextAsync(atB)).Author);
        await c.Gossip.PublishAsync(Topic, "from c"u8.ToArray());
        Assert.Equal(c.PeerId, (await GossipPeer.NextAsync(atA)).Author);
    }

    [Fact]
    public async Task A_burst_arrives_whole_and_in_order()
    {
        const int Count = 5000;
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        var (messages, _) = b.Subscribe(Topic);
        await b.Network.Switch.DialAsync(a.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        for (var i = 0; i < Count; i++)
        {
            await a.Gossip.PublishAsync(Topic, BitConverter.GetBytes(i));
        }

        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(i, BitConverter.ToInt32((await GossipPeer.NextAsync(messages)).Data.Span));
        }

        Assert.Equal((0, 0), (a.Gossip.Dropped, b.Gossip.Dropped));
    }

    [Fact]
    public async Task A_slow_handler_holds_the_publisher_back_and_loses_nothing()
    {
        const int Count = 200;
        var options = new GossipSubOptions { MaxQueuedDeliveries = 4, MaxQueuedBytes = 1 << 20, QueuePatience = GossipPeer.Patience };
        await using var a = await GossipPeer.StartAsync(options);
        await using var b = await GossipPeer.StartAsync(options);
        using var go = new SemaphoreSlim(0);
        using var done = new CountdownEvent(Count);
        b.Gossip.Subscribe(Topic, _ =>
        {
            go.Wait();
            done.Signal();
        });
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await a.Gossip.PublishAsync(Topic, new byte[100_000]);
            }
        });
        await Eventually.TrueAsync(() => b.Gossip.Counters.Delivered > 4, what: "b's handler has its queue full");
        Assert.False(publishing.IsCompleted);
        go.Release(Count);
        await publishing.WaitAsync(GossipPeer.Patience);
        Assert.True(done.Wait(GossipPeer.Patience));
        Assert.Equal((0, 0), (a.Gossip.Dropped, b.Gossip.Dropped));
    }

    [Fact]
    public async Task Validators_decide_by_the_longest_prefix_and_a_rejected_message_costs_its_bringer()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        b.Gossip.Validate("hyperspace/", _ => Validation.Ignore);
        b.Gossip.Validate(Topic, m => m.Data.Span.SequenceEqual("bad"u8) ? Validation.Reject : Validation.Accept);
        var (messages, _) = b.Subscribe(Topic);
        var (ignored, _) = b.Subscribe("hyperspace/other");
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count + a.Gossip.SubscribersOf("hyperspace/other").Count == 2, what: "a knows b's topics");
        await a.Gossip.PublishAsync("hyperspace/other", "ignored"u8.ToArray());
        await a.Gossip.PublishAsync(Topic, "bad"u8.ToArray());
        await a.Gossip.PublishAsync(Topic, "good"u8.ToArray());
        Assert.Equal("good"u8.ToArray(), (await GossipPeer.NextAsync(messages)).Data.ToArray());
        Assert.False(ignored.TryRead(out _));
        Assert.Equal((1, 1), (b.Gossip.Counters.Delivered, b.Gossip.Counters.Rejected));
    }

    [Theory]
    [InlineData(Validation.Reject)]
    [InlineData(Validation.Ignore)]
    public async Task What_the_own_validator_does_not_accept_is_not_published(Validation verdict)
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        a.Gossip.Validate(Topic, m => m.Author == a.PeerId && m.ReceivedFrom == a.PeerId && m.Data.Span.SequenceEqual("good"u8) ? Validation.Accept : verdict);
        var (messages, _) = b.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        await Assert.ThrowsAsync<UnfitMessageException>(() => a.Gossip.PublishAsync(Topic, "bad"u8.ToArray()));
        await a.Gossip.PublishAsync(Topic, "good"u8.ToArray());
        Assert.Equal("good"u8.ToArray(), (await GossipPeer.NextAsync(messages)).Data.ToArray());
        Assert.Equal((1, 1), (a.Gossip.Counters.Published, b.Gossip.Counters.Delivered));
    }

    [Fact]
    public async Task The_last_handle_leaves_the_topic()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        var (_, first) = b.Subscribe(Topic);
        var (_, second) = b.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        first.Dispose();
        first.Dispose();
        Assert.Equal([Topic], b.Gossip.Topics);
        second.Dispose();
        Assert.Empty(b.Gossip.Topics);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 0, what: "a knows that b left");
    }

    [Fact]
    public async Task Peers_that_disconnect_are_forgotten_and_found_again()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        var (messages, _) = b.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        await a.Network.Switch.DisconnectAsync(b.PeerId);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 0, what: "a has forgotten b");

        // Until b has noticed, a dial would hand it the connection that is just ending.
        await Eventually.TrueAsync(() => !b.Network.Switch.ConnectedPeers.Contains(a.PeerId), what: "b has noticed");
        await b.Network.Switch.DialAsync(a.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows b again");
        await a.Gossip.PublishAsync(Topic, "again"u8.ToArray());
        Assert.Equal("again"u8.ToArray(), (await GossipPeer.NextAsync(messages)).Data.ToArray());
    }

    [Theory]
    [InlineData("ffffffffffffffffff7f")]
    [InlineData("8180808002")]
    [InlineData("050a03010203")]
    [InlineData("0312ff01")]
    public async Task Garbage_ends_the_stream_costs_score_and_nothing_else(string hex)
    {
        await using var a = await GossipPeer.StartAsync();
        await using var rude = await TestSwitch.StartAsync();
        await rude.Switch.DialAsync(a.Network.Address);
        await using (var stream = await rude.Switch.OpenStreamAsync(a.PeerId, ["/meshsub/1.1.0"]))
        {
            await stream.WriteAsync(Convert.FromHexString(hex));
            await Assert.ThrowsAnyAsync<IOException>(async () => await stream.ReadAsync(new byte[1]));
        }

        await Eventually.TrueAsync(() => a.Gossip.Counters.Rejected == 1, what: "the garbage was counted");
        Assert.Contains(rude.PeerId, a.Network.Switch.ConnectedPeers);
        Assert.True(a.Gossip.ScoreOf(rude.PeerId) < 0);
    }

    [Fact]
    public async Task A_stream_that_the_remote_resets_is_opened_again_and_the_topics_are_told_again()
    {
        await using var a = await GossipPeer.StartAsync(new GossipSubOptions { ReopenDelay = TimeSpan.FromMilliseconds(20) });
        a.Subscribe(Topic);
        await using var other = await TestSwitch.StartAsync();
        var hellos = System.Threading.Channels.Channel.CreateUnbounded<GossipRpc>();
        other.Switch.Handle("/meshsub/1.1.0", async (stream, cancellationToken) =>
        {
            using var reader = new RpcFrameReader(stream, 1 << 20);
            var frame = await reader.ReadAsync(cancellationToken);
            hellos.Writer.TryWrite(GossipRpcCodec.Decode(frame!.Value.Span, new TopicTable(), new GossipSubParameters())!);
            stream.Reset();
        });
        await a.Network.Switch.DialAsync(other.Address);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal([new TopicSubscription(Topic, true)], (await GossipPeer.NextAsync(hellos.Reader)).Subscriptions);
        }
    }

    [Fact]
    public async Task Too_large_a_payload_and_unfit_topic_names_are_refused()
    {
        await using var a = await GossipPeer.StartAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => a.Gossip.PublishAsync(Topic, new byte[(1 << 20) + 1]));
        await Assert.ThrowsAsync<ArgumentException>(() => a.Gossip.PublishAsync("", default));
        await Assert.ThrowsAsync<ArgumentException>(() => a.Gossip.PublishAsync(new string('x', 257), default));
        Assert.Throws<ArgumentException>(() => a.Gossip.Subscribe(new string('x', 257), _ => { }));
    }

    [Fact]
    public async Task A_handler_that_throws_gets_the_next_message_all_the_same()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        using var calls = new CountdownEvent(2);
        b.Gossip.Subscribe(Topic, _ =>
        {
            calls.Signal();
            throw new InvalidOperationException("a subscriber's bug");
        });
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        await a.Gossip.PublishAsync(Topic, default);
        await a.Gossip.PublishAsync(Topic, default);
        Assert.True(calls.Wait(GossipPeer.Patience));
    }
}
