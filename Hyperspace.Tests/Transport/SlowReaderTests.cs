using System.Runtime.InteropServices;
using Akka.Actor;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Transport;

/// <summary>Measures the whole process: no other test may run meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    public const string Name = "whole process";
}

/// <summary>Whoever stops reading stops being written to: memory stays, and so does everybody else's service.</summary>
[Collection(WholeProcess.Name)]
public class SlowReaderTests : PatientTestKit
{
    private const long Gigabyte = 1L << 30;
    private const long Bound = 64L << 20;
    private const string Deaf = "/test/deaf/1.0.0";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task A_gigabyte_offered_to_a_peer_that_never_reads_waits_with_its_writer(int streams)
    {
        await using var here = await TestSwitch.StartAsync();
        await using var there = await TestSwitch.StartAsync();
        there.Switch.Handle(Deaf, async (_, stop) => await Task.Delay(Timeout.Infinite, stop), 32);
        await here.Switch.DialAsync(there.Address);
        await here.Ping.PingAsync(there.PeerId);
        using var stop = new CancellationTokenSource();
        var before = Memory();
        long taken = 0;

        var writers = Enumerable.Range(0, streams).Select(_ => OfferAsync(here.Switch, there.PeerId, Gigabyte / streams, count => Interlocked.Add(ref taken, count), stop.Token)).ToList();
        await Eventually.TrueAsync(() => Interlocked.Read(ref taken) >= streams * 192L * 1024, (int)Patience.TotalSeconds);
        for (var round = 0; round < 20; round++)
        {
            using var late = new CancellationTokenSource(Patience);
            await here.Ping.PingAsync(there.PeerId, late.Token);
            Assert.Equal([1, 2, 3], await there.EchoAsync(here.PeerId, [1, 2, 3]));
        }

        var growth = Memory() - before;
        Assert.All(writers, writer => Assert.False(writer.IsCompleted));
        Assert.True(taken <= streams * 512L * 1024, $"{taken} bytes were taken off the writers although nobody reads.");
        Assert.True(growth < Bound, $"Memory grew by {growth >> 20} MiB.");
        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task Gossip_for_a_subscriber_that_never_reads_is_dropped_and_counted_and_others_get_all()
    {
        const int Messages = 1024;
        const int Size = 256 * 1024;
        await using var publisher = await TestSwitch.StartAsync();
        await using var honest = await TestSwitch.StartAsync();
        await using var deaf = await TestSwitch.StartAsync();

        // The messages that are kept for whoever may ask are another bound, of 64 MiB a peer: out of the way here.
        var parameters = new GossipSubParameters { MaxHistoryBytes = 1 << 20 };
        await using var pubSub = new GossipSubService(publisher.Switch, publisher.Keys, new GossipSubOptions { Parameters = parameters, QueuePatience = TimeSpan.FromMilliseconds(1), MaxQueuedBytes = 8 << 20 });
        await using var listening = new GossipSubService(honest.Switch, honest.Keys, new GossipSubOptions { Parameters = parameters });
        var received = 0;
        using var subscription = listening.Subscribe("topic", _ => Interlocked.Increment(ref received));
        deaf.Switch.Handle("/meshsub/1.1.0", async (_, stop) => await Task.Delay(Timeout.Infinite, stop));
        await publisher.Switch.DialAsync(honest.Address);
        await publisher.Switch.DialAsync(deaf.Address);
        await deaf.UntilIdentifiedAsync(publisher.PeerId);
        await using var speaking = await deaf.Switch.OpenStreamAsync(publisher.PeerId, ["/meshsub/1.1.0"]);
        byte[] subscribe = [0x0a, 0x09, 0x08, 0x01, 0x12, 0x05, .. "topic"u8];
        await speaking.WriteMessageAsync(subscribe);
        await Eventually.TrueAsync(() => pubSub.SubscribersOf("topic").Count == 2);
        var data = new byte[Size];
        var before = Memory();

        for (var i = 0; i < Messages; i++)
        {
            // At the pace of the one who reads.
            await Eventually.TrueAsync(() => i - Volatile.Read(ref received) < 16, (int)Patience.TotalSeconds);
            MemoryMarshal.Write(data, in i);
            await pubSub.PublishAsync("topic", data);
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref received) == Messages, (int)Patience.TotalSeconds);
        var growth = Memory() - before;
        Assert.True(pubSub.Dropped > Messages / 2, $"{pubSub.Dropped} messages were dropped.");
        Assert.True(growth < Bound, $"Memory grew by {growth >> 20} MiB.");
        await publisher.Ping.PingAsync(deaf.PeerId);
    }

    [Fact]
    public async Task An_actor_that_does_not_read_its_gossip_loses_some_of_it_and_the_others_none()
    {
        const int Messages = GossipActor.MaxWaiting + 2048;
        await using var here = await TestSwitch.StartAsync();
        await using var there = await TestSwitch.StartAsync();
        await using var pubSub = new GossipSubService(here.Switch, here.Keys, new GossipSubOptions());
        await using var speaking = new GossipSubService(there.Switch, there.Keys, new GossipSubOptions());
        var gossip = Sys.ActorOf(Props.Create(() => new GossipGuardian(pubSub, NullLoggerFactory.Instance)), "gossip");
        using var wake = new ManualResetEventSlim();
        var (asleep, awake) = (new Counter(), new Counter());
        var sleeper = Sys.ActorOf(Props.Create(() => new Subscriber(gossip, asleep, wake)).WithDispatcher("akka.actor.default-blocking-io-dispatcher"));
        Sys.ActorOf(Props.Create(() => new Subscriber(gossip, awake, null)));
        await here.Switch.DialAsync(there.Address);
        await Eventually.TrueAsync(() => speaking.SubscribersOf("topic").Count == 1);

        for (var i = 0; i < Messages; i++)
        {
            await Eventually.TrueAsync(() => i - awake.Value < 64, (int)Patience.TotalSeconds);
            await speaking.PublishAsync("topic", BitConverter.GetBytes(i));
        }

        await Eventually.TrueAsync(() => awake.Value == Messages, (int)Patience.TotalSeconds);
        Assert.InRange(((ActorRefWithCell)sleeper).Underlying.NumberOfMessages, GossipActor.MaxWaiting / 2, GossipActor.MaxWaiting);
        wake.Set();
        await Eventually.TrueAsync(() => ((ActorRefWithCell)sleeper).Underlying.NumberOfMessages == 0, (int)Patience.TotalSeconds);
        Assert.True(asleep.Value < Messages, "Nothing was dropped.");
    }

    private static async Task OfferAsync(ISwitch network, PeerId peer, long bytes, Action<int> taken, CancellationToken stop)
    {
        var piece = new byte[64 * 1024];
        try
        {
            await using var stream = await network.OpenStreamAsync(peer, [Deaf], stop);
            for (; bytes > 0; bytes -= piece.Length)
            {
                await stream.WriteAsync(piece, stop);
                taken(piece.Length);
            }
        }
        catch (OperationCanceledException)
        {
            // The offer ends with the test.
        }
    }

    /// <summary>What the process holds after a collection, in bytes.</summary>
    private static long Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

        // Not the working set: after hundreds of other tests the collector keeps room of its own at hand.
        return GC.GetTotalMemory(forceFullCollection: false);
    }

    private sealed class Counter
    {
        private int _value;

        public int Value => Volatile.Read(ref _value);

        public void Count() => Interlocked.Increment(ref _value);
    }

    private sealed class Subscriber : ReceiveActor
    {
        public Subscriber(IActorRef gossip, Counter counter, ManualResetEventSlim? wake)
        {
            gossip.Tell(new GossipCommands.Subscribe("topic"));
            Receive<GossipReceived>(_ =>
            {
                wake?.Wait();
                counter.Count();
            });
        }
    }
}
