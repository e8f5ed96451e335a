using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Validators that wait: they hold up nobody else, are bounded in number and in time, and what they throw is not held against the bringer.</summary>
public class AsyncValidatorTests
{
    private const string Topic = "slow";
    private const string Quick = "quick";

    [Fact]
    public async Task A_slow_validator_holds_up_no_other_topic_and_its_verdict_counts_when_it_comes()
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync();
        var verdicts = new Dictionary<byte, TaskCompletionSource<Validation>> { [1] = new(), [2] = new(), [3] = new() };
        b.Gossip.Validate(Topic, async (message, cancellationToken) => await verdicts[message.Data.Span[0]].Task.WaitAsync(cancellationToken));
        var (messages, quick) = await ConnectAsync(a, b);
        foreach (byte number in (byte[])[1, 2, 3])
        {
            await a.Gossip.PublishAsync(Topic, new[] { number });
        }

        await a.Gossip.PublishAsync(Quick, "overtakes"u8.ToArray());
        Assert.Equal("overtakes"u8.ToArray(), (await GossipPeer.NextAsync(quick)).Data.ToArray());
        verdicts[3].SetResult(Validation.Accept);
        Assert.Equal(3, (await GossipPeer.NextAsync(messages)).Data.Span[0]);
        verdicts[2].SetResult(Validation.Reject);
        await Eventually.TrueAsync(() => b.Gossip.Counters.Rejected == 1, what: "the second is rejected");
        verdicts[1].SetResult(Validation.Accept);
        Assert.Equal(1, (await GossipPeer.NextAsync(messages)).Data.Span[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_validator_that_takes_too_long_or_fails_costs_the_message_and_nothing_else(bool fails)
    {
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync(new GossipSubOptions { ValidationTimeout = TimeSpan.FromMilliseconds(50), MaxConcurrentValidations = 1 });
        b.Gossip.Validate(Topic, async (message, cancellationToken) =>
        {
            if (message.Data.Span[0] == 1)
            {
                await Task.Delay(fails ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, cancellationToken);
                throw new InvalidOperationException("a validator's bug");
            }

            return Validation.Accept;
        });
        var (messages, _) = await ConnectAsync(a, b);
        await a.Gossip.PublishAsync(Topic, new byte[] { 1 });
        await a.Gossip.PublishAsync(Topic, new byte[] { 2 });
        Assert.Equal(2, (await GossipPeer.NextAsync(messages)).Data.Span[0]);
        Assert.Equal((1, 0, 0), (b.Gossip.Counters.Delivered, b.Gossip.Counters.Rejected, b.Gossip.ScoreOf(a.PeerId)));
    }

    [Fact]
    public async Task No_more_validators_run_at_once_than_allowed()
    {
        const int Allowed = 3;
        const int Count = 20;
        await using var a = await GossipPeer.StartAsync();
        await using var b = await GossipPeer.StartAsync(new GossipSubOptions { MaxConcurrentValidations = Allowed });
        int running = 0, most = 0;
        using var go = new SemaphoreSlim(0);
        b.Gossip.Validate(Topic, async (_, cancellationToken) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await go.WaitAsync(cancellationToken);
            Interlocked.Decrement(ref running);
            return Validation.Accept;
        });
        var (messages, _) = await ConnectAsync(a, b);
        for (byte i = 0; i < Count; i++)
        {
            await a.Gossip.PublishAsync(Topic, new[] { i });
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref running) == Allowed, what: "as many run as may");
        go.Release(Count);
        for (var i = 0; i < Count; i++)
        {
            await GossipPeer.NextAsync(messages);
        }

        Assert.Equal(Allowed, most);
    }

    [Fact]
    public async Task The_own_asynchronous_validator_is_asked_before_publishing()
    {
        await using var a = await GossipPeer.StartAsync();
        a.Gossip.Validate(Topic, async (_, _) =>
        {
            await Task.Yield();
            return Validation.Reject;
        });
        await Assert.ThrowsAsync<UnfitMessageException>(() => a.Gossip.PublishAsync(Topic, default));
    }

    private static async Task<(System.Threading.Channels.ChannelReader<PubSubMessage> Slow, System.Threading.Channels.ChannelReader<PubSubMessage> Quick)> ConnectAsync(GossipPeer a, GossipPeer b)
    {
        var (slow, _) = b.Subscribe(Topic);
        var (quick, _) = b.Subscribe(Quick);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count + a.Gossip.SubscribersOf(Quick).Count == 2, what: "a knows b's topics");
        return (slow, quick);
    }
}
