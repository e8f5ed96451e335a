using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Keeps a <see cref="GossipActor"/> running and remembers who subscribed to what (subscribers are told
/// <see cref="GossipSubscribed"/> again). What others publish in between is lost, as gossip may be.
/// </summary>
internal sealed class GossipGuardian : Guardian
{
    private const int MaxTopicLength = 256;
    private readonly HashSet<(string Topic, IActorRef Subscriber)> _subscriptions = [];

    public GossipGuardian(IPubSub pubSub, ILoggerFactory loggers)
        : base(Props.Create(() => new GossipActor(pubSub, loggers)), loggers.CreateLogger<GossipGuardian>())
    {
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

            PassIfRunning(m);
        });
        Receive<GossipCommands.Unsubscribe>(m =>
        {
            _subscriptions.Remove((m.Topic, Sender));
            UnwatchIfDone(Sender);
            PassIfRunning(m);
        });
        Receive<GossipCommands.Publish>(m =>
        {
            if (!IsRefused(m.Topic))
            {
                Pass(m);
            }
        });
    }

    protected override void Resume(IActorRef child)
    {
        foreach (var (topic, subscriber) in _subscriptions)
        {
            child.Tell(new GossipCommands.Subscribe(topic), subscriber);
        }
    }

    protected override void Gone(IActorRef watched) => _subscriptions.RemoveWhere(s => s.Subscriber.Equals(watched));

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
}
