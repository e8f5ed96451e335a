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
    public async Task What_the_peer_no_longer_wants_is_passed_over_makes_room_and_is_not_counted_as_dropped()
    {
        var messages = Enumerable.Range(0, 3).Select(i => GossipKeys.Message(1, "t", (ulong)i)).ToArray();
        var queue = new OutboundQueue(messages.Sum(m => m.Encoded.Length), 100);
        Assert.All(messages, m => Assert.True(queue.Enqueue(m)));
        var room = queue.RoomAsync();
        Assert.False(room.IsCompleted);
        queue.Withdraw([messages[0].Id, messages[1].Id, new byte[] { 1 }]);
        Assert.True(queue.TryTake(out _, out var taken));
        Assert.Same(messages[2], taken);
        await room.WaitAsync(GossipPeer.Patience);
        Assert.False(queue.TryTake(out _, out _));
        Assert.Equal(0, queue.Dropped);
        Assert.True(queue.Enqueue(messages[0]));
        Assert.True(queue.TryTake(out _, out taken));
        Assert.Same(messages[0], taken);
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
