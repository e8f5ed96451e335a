using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// The remoting transport of a process that is the only one of its peer: it has an address, as Akka.Cluster asks for,
/// and no socket, so that nobody else on the machine can reach an actor.
/// </summary>
internal sealed class IsolatedTransport : Akka.Remote.Transport.Transport
{
    /// <summary>Enables it instead of the one that listens.</summary>
    public const string Settings =
        """
        akka.remote {
          enabled-transports = ["akka.remote.isolated"]
          isolated {
            transport-class = "Hyperspace.Actors.Engine.IsolatedTransport, Hyperspace.Actors"
            applied-adapters = []
          }
        }
        """;

    private const string Scheme = "isolated";
    private readonly Address _address;

    /// <summary>Called by Akka.Remote, which finds the class by its name.</summary>
    public IsolatedTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = EngineExtensions.MaxFrameBytes;
        _address = new Address(Scheme, system.Name, "localhost", 1);
    }

    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen() =>
        Task.FromResult((_address, new TaskCompletionSource<IAssociationEventListener>()));

    public override bool IsResponsibleFor(Address remote) => true;

    public override Task<AssociationHandle> Associate(Address remoteAddress) =>
        Task.FromException<AssociationHandle>(new InvalidAssociationException($"{remoteAddress} cannot be reached: this process is the only one of its peer."));

    public override Task<bool> Shutdown() => Task.FromResult(true);
}
