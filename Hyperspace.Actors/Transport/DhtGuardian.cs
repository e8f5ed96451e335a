using Akka.Actor;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.ContentRouting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>Keeps a <see cref="DhtActor"/> running. Queries end with it and are refused; what is provided stays so, because the library keeps it.</summary>
internal sealed class DhtGuardian : Guardian
{
    public DhtGuardian(IContentRouting routing, ILoggerFactory loggers)
        : base(Props.Create(() => new DhtActor(routing)), loggers.CreateLogger<DhtGuardian>())
    {
        Receive<DhtCommands.FindPeer>(Pass);
        Receive<DhtCommands.FindProviders>(Pass);
        Receive<DhtCommands.Provide>(Pass);
        Receive<DhtCommands.Unprovide>(Pass);
        Receive<DhtCommands.Put>(Pass);
        Receive<DhtCommands.Get>(Pass);
    }

    protected override void Resume(IActorRef child)
    {
    }
}
