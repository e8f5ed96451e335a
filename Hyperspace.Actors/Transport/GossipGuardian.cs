using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Keeps a <see cref="GossipActor"/> running and remembers who subscribed to what: one that has stopped, for whatever
/// reason, is made anew with every subscription in place (subscribers are told <see cref="GossipSubscribed"/> again).
/// What is published in between is lost, as gossip may be.
/// </summary>
internal sealed partial class GossipGuardian : ReceiveActor, IWithTimers
{
    private const int MaxTopicLength = 256;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private readonly Props _gossip;
    private readonly ILogger _logger;
    private readonly HashSet<(string Topic, IActorRef Subscriber)> _subscriptions = [];
    private IActorRef _child = ActorRefs.Nobody;

    public GossipGuardian(IPubSub pubSub, ILoggerFactory loggers)
    {
        _gossip = Props.Create(() => new GossipActor(pubSub));
        _logger = loggers.CreateLogger<GossipGuardian>();
        Receive<GossipCommands.Subscribe>(m =>
        {
            if (IsRefused(m.Topic))
            {
                return;
            }

            if (_subscriptions.Add((m.Topic, Sender)))
            {
                Context.Watch(Sender);
            }

            _child.Forward(m);
        });
        Receive<GossipCommands.Unsubscribe>(m =>
        {
            _subscriptions.Remove((m.Topic, Sender));
            UnwatchIfDone(Sender);
            _child.Forward(m);
        });
        Receive<GossipCommands.Publish>(m =>
        {
            if (!IsRefused(m.Topic))
            {
                _child.Forward(m);
            }
        });
        Receive<Terminated>(m =>
        {
            if (m.ActorRef.Equals(_child))
            {
                LogStopped();
                _child = ActorRefs.Nobody;
                Timers.StartSingleTimer(nameof(Renew), Renew.Instance, Pause);
            }
            else
            {
                _subscriptions.RemoveWhere(s => s.Subscriber.Equals(m.ActorRef));
            }
        });
        Receive<Renew>(_ => Start());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Start();

    // Stopped rather than restarted: a restart would forget the subscriptions unseen.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Start()
    {
        _child = Context.Watch(Context.ActorOf(_gossip));
        foreach (var (topic, subscriber) in _subscriptions)
        {
            _child.Tell(new GossipCommands.Subscribe(topic), subscriber);
        }
    }

    private bool IsRefused(string topic)
    {
        if (topic.Length is > 0 and <= MaxTopicLength)
        {
            return false;
        }

        Sender.Tell(new Refusal(ErrorCodes.InvalidParams, $"A topic has 1 to {MaxTopicLength} characters."));
        return true;
    }

    private void UnwatchIfDone(IActorRef subscriber)
    {
        if (!_subscriptions.Any(s => s.Subscriber.Equals(subscriber)))
        {
            Context.Unwatch(subscriber);
        }
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "The gossip actor stopped; a new one takes its subscriptions over.")]
    private partial void LogStopped();

    private sealed record Renew
    {
        public static readonly Renew Instance = new();
    }
}
