using Akka.Actor;
using Hyperspace.Actors.Micropayments.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Micropayments.Channels;

public class WaitingPaymentsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void First_come_first_served_until_the_limit()
    {
        var waiting = new WaitingPayments(_time, TimeSpan.FromSeconds(30));
        for (var i = 0; i < ChannelLimits.MaxWaiting; i++)
        {
            Assert.True(waiting.TryAdd(ChannelPair.Pay($"r{i}", 1), ActorRefs.Nobody));
        }

        Assert.False(waiting.TryAdd(ChannelPair.Pay("one more", 1), ActorRefs.Nobody));
        Assert.True(waiting.TryTake(out var first, out _));
        Assert.Equal("r0", first.RequestId);
        Assert.True(waiting.TryAdd(ChannelPair.Pay("one more", 1), ActorRefs.Nobody));
    }

    [Fact]
    public void Only_those_that_waited_too_long_are_overdue()
    {
        var waiting = new WaitingPayments(_time, TimeSpan.FromSeconds(30));
        waiting.TryAdd(ChannelPair.Pay("early", 1), ActorRefs.Nobody);
        _time.Advance(TimeSpan.FromSeconds(20));
        waiting.TryAdd(ChannelPair.Pay("late", 1), ActorRefs.Nobody);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("early", Assert.Single(waiting.TakeOverdue()).Pay.RequestId);
        Assert.Equal(1, waiting.Count);
    }

    [Fact]
    public void A_withdrawn_request_waits_no_more()
    {
        var waiting = new WaitingPayments(_time, TimeSpan.FromSeconds(30));
        waiting.TryAdd(ChannelPair.Pay("a", 1), ActorRefs.Nobody);
        waiting.TryAdd(ChannelPair.Pay("b", 1), ActorRefs.Nobody);
        waiting.TryAdd(ChannelPair.Pay("a", 1), ActorRefs.Nobody);
        Assert.Equal(2, waiting.Withdraw("a").Count);
        Assert.Empty(waiting.Withdraw("a"));
        Assert.Equal(1, waiting.Count);
    }
}
