using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

public class OutboundQueueTests
{
    [Fact]
    public void Control_goes_before_messages()
    {
        var queue = new OutboundQueue(1000, 1000);
        var message = GossipKeys.Message(1, "t", 1);
        byte[] frame = [1];
        Assert.True(queue.Enqueue(message));
        Assert.True(queue.Enqueue(frame, gossip: false));
        Assert.True(queue.TryTake(out var first, out _));
        Assert.Same(frame, first);
        Assert.True(queue.TryTake(out var none, out var second));
        Assert.Null(none);
        Assert.Same(message, second);
        Assert.False(queue.TryTake(out _, out _));
    }

    [Fact]
    public void When_full_messages_and_gossip_are_dropped_before_control_and_counted()
    {
        var queue = new OutboundQueue(200, 100);
        Assert.True(queue.Enqueue(GossipKeys.Message(1, "t", 1)));
        Assert.False(queue.Enqueue(GossipKeys.Message(1, "t", 2)));
        Assert.True(queue.Enqueue(new byte[50], gossip: true));
        Assert.False(queue.Enqueue(new byte[1], gossip: true));
        Assert.True(queue.Enqueue(new byte[50], gossip: false));
        Assert.False(queue.Enqueue(new byte[1], gossip: false));
        Assert.Equal(3, queue.Dropped);
    }

    [Fact]
    public void A_message_larger_than_the_whole_queue_still_goes_when_it_is_alone()
    {
        var queue = new OutboundQueue(10, 10);
        Assert.True(queue.Enqueue(GossipKeys.Message(1, "t", 1, new byte[100])));
        Assert.False(queue.Enqueue(GossipKeys.Message(1, "t", 2)));
    }

    [Fact]
    public void Room_is_reported_when_the_queue_is_half_empty_again()
    {
        var queue = new OutboundQueue(1000, 10);
        Assert.True(queue.RoomAsync().IsCompleted);
        while (queue.Enqueue(GossipKeys.Message(1, "t", 1)))
        {
        }

        var room = queue.RoomAsync();
        while (queue.Congested)
        {
            Assert.False(room.IsCompleted);
            Assert.True(queue.TryTake(out _, out _));
        }

        Assert.True(room.IsCompleted);
    }
}
