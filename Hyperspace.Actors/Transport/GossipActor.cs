using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Topics of the mesh for actors, behind <see cref="GossipGuardian"/>: publishes, and hands each message of a topic to the topic's subscribers. Gossip may
/// be lost anyway, so messages beyond <see cref="MaxWaiting"/> in this actor's mailbox, or in a subscriber's, are dropped and counted.
/// </summary>
internal sealed partial class GossipActor : ReceiveActor, IWithTimers
{
    /// <summary>Messages that may wait for an actor.</summary>
    public const int MaxWaiting = 8192;

    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(10);

    private readonly IPubSub _pubSub;
    private readonly Dictionary<string, Subscription> _topics = new(StringComparer.Ordinal);
    private readonly ILogger _logger;
    private int _waiting;
    private long _dropped;
    private long _droppedTold;

    public GossipActor(IPubSub pubSub, ILoggerFactory loggers)
    {
        _pubSub = pubSub;
        _logger = loggers.CreateLogger<GossipActor>();
        Receive<GossipCommands.Publish>(Publish);
        Receive<GossipCommands.Subscribe>(Subscribe);
        Receive<GossipCommands.Unsubscribe>(m => Leave(m.Topic, Sender));
        Receive<Terminated>(m =>
        {
            foreach (var topic in _topics.Where(t => t.Value.Subscribers.Contains(m.ActorRef)).Select(t => t.Key).ToList())
            {
                Leave(topic, m.ActorRef);
            }
        });
        Receive<PubSubMessage>(Deliver);
        Receive<Count>(_ => TellDropped());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(Count), Count.Instance, CountInterval);

    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        Context.Parent.Tell(Guardian.Restarted.Instance);
    }

    protected override void PostStop()
    {
        foreach (var topic in _topics.Values)
        {
            topic.Handle.Dispose();
        }

        TellDropped();
    }

    private void Publish(GossipCommands.Publish command)
    {
        _pubSub.PublishAsync(command.Topic, command.Data).PipeTo(
            Sender,
            Self,
            id => new GossipPublished(command.Topic, id.ToArray()),
            failure => failure switch
            {
                UnfitMessageException => new Refusal(ErrorCodes.BadEnvelope, failure.Message + " Topics under hyperspace/ carry the envelopes that this peer's own methods sign; choose another topic for your own messages."),
                ArgumentException => new Refusal(ErrorCodes.TooLarge, failure.Message),
                _ => new Refusal(ErrorCodes.Internal, "The message was not published: " + failure.Message),
            });
    }

    private void Subscribe(GossipCommands.Subscribe command)
    {
        if (!_topics.TryGetValue(command.Topic, out var subscription))
        {
            var self = Self;
            subscription = new Subscription(_pubSub.Subscribe(command.Topic, message => Offer(self, message)));
            _topics.Add(command.Topic, subscription);
        }

        if (subscription.Subscribers.Add(Sender))
        {
            Context.Watch(Sender);
        }

        Sender.Tell(new GossipSubscribed(command.Topic));
    }

    private void Leave(string topic, IActorRef subscriber)
    {
        if (_topics.TryGetValue(topic, out var subscription) && subscription.Subscribers.Remove(subscriber) && subscription.Subscribers.Count == 0)
        {
            subscription.Handle.Dispose();
            _topics.Remove(topic);
        }

        if (!_topics.Values.Any(t => t.Subscribers.Contains(subscriber)))
        {
            Context.Unwatch(subscriber);
        }
    }

    private void Offer(IActorRef self, PubSubMessage message)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _dropped);
            return;
        }

        self.Tell(message);
    }

    private void Deliver(PubSubMessage message)
    {
        Interlocked.Decrement(ref _waiting);
        if (!_topics.TryGetValue(message.Topic, out var subscription))
        {
            return;
        }

        var received = new GossipReceived(message.Topic, message.Author.ToString(), message.Data.ToArray());
        foreach (var subscriber in subscription.Subscribers)
        {
            if (IsBehind(subscriber))
            {
                Interlocked.Increment(ref _dropped);
            }
            else
            {
                subscriber.Tell(received);
            }
        }
    }

    /// <summary>A subscriber that does not keep up must not hold all that it has not read; the others get theirs.</summary>
    private static bool IsBehind(IActorRef subscriber) => subscriber is ActorRefWithCell { Underlying.NumberOfMessages: >= MaxWaiting };

    private void TellDropped()
    {
        var dropped = Interlocked.Read(ref _dropped);
        if (dropped > _droppedTold)
        {
            LogDropped(dropped - _droppedTold, dropped);
            _droppedTold = dropped;
        }
    }

    [LoggerMessage(EventId = 2103, Level = LogLevel.Warning, Message = "{Count} gossip messages were dropped because subscribers of this peer do not keep up ({Total} since the start).")]
    private partial void LogDropped(long count, long total);

    private sealed record Count
    {
        public static readonly Count Instance = new();
    }

    private sealed record Subscription(IDisposable Handle)
    {
        public HashSet<IActorRef> Subscribers { get; } = [];
    }
}
