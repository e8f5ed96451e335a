using Akka.Actor;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>Keeps a <see cref="ConnectionActor"/> running and remembers who subscribed: they are told anew who is connected.</summary>
internal sealed class ConnectionGuardian : Guardian
{
    private readonly HashSet<IActorRef> _subscribers = [];

    public ConnectionGuardian(ISwitch network, ILoggerFactory loggers)
        : base(Props.Create(() => new ConnectionActor(network)), loggers.CreateLogger<ConnectionGuardian>())
    {
        Receive<ConnectionCommands.Subscribe>(m =>
        {
            if (_subscribers.Add(Sender))
            {
                Context.Watch(Sender);
            }

            PassIfRunning(m);
        });
        Receive<ConnectionCommands.Unsubscribe>(m =>
        {
            _subscribers.Remove(Sender);
            Context.Unwatch(Sender);
            PassIfRunning(m);
        });
        Receive<ConnectionCommands.Dial>(Pass);
        Receive<ConnectionCommands.Close>(Pass);
        Receive<ConnectionCommands.List>(Pass);
    }

    protected override void Resume(IActorRef child)
    {
        foreach (var subscriber in _subscribers)
        {
            child.Tell(new ConnectionCommands.Subscribe(), subscriber);
        }
    }

    protected override void Gone(IActorRef watched) => _subscribers.Remove(watched);
}
