using Hyperspace.Actors.Engine;
using Hyperspace.Libp2p.AutoNat;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.MulticastDns;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// How others come to reach this peer: AutoNAT tells whether they can dial it, relays lead to it when they cannot, and on the local network
/// multicast DNS introduces it. With the profile Relay it leads others to each other.
/// </summary>
internal sealed class PeerReach : IAsyncDisposable
{
    private readonly Libp2pSwitch _network;
    private readonly PeerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly AutoNatClient _autoNat;
    private readonly RelayReservations _reservations;
    private MdnsDiscovery? _mdns;

    /// <summary>Registers the protocols; nothing is asked before <see cref="Start"/>.</summary>
    public PeerReach(Libp2pSwitch network, PeerOptions options, KeyPair keys, TimeProvider time, ILoggerFactory loggers)
    {
        (_network, _options, _time, _loggers) = (network, options, time, loggers);
        network.UseRelays(time, loggers.CreateLogger("Hyperspace.Libp2p.Relay"));
        _ = new AutoNatServer(network, time: time, logger: loggers.CreateLogger<AutoNatServer>());
        if (options.Profile == PeerProfile.Relay)
        {
            Relay = new RelayService(network, keys, options.RelayService, time, loggers.CreateLogger<RelayService>());
        }

        _reservations = new RelayReservations(network, options.Relays, time, loggers.CreateLogger<RelayReservations>());
        _autoNat = new AutoNatClient(network, time: time, logger: loggers.CreateLogger<AutoNatClient>());
        _autoNat.Changed += verdict => _reservations.Want(verdict != Reachability.Public);
    }

    /// <summary>The relay service, of the profile Relay only.</summary>
    public RelayService? Relay { get; }

    /// <summary>Starts to look and to ask; call it when the network listens.</summary>
    /// <exception cref="IOException">Multicast DNS is wanted, and this machine has no multicast.</exception>
    public void Start()
    {
        if (_options.Mdns)
        {
            _mdns = MdnsDiscovery.Start(_network, time: _time, logger: _loggers.CreateLogger<MdnsDiscovery>());
        }

        _reservations.Want(true);
        _autoNat.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await (_mdns?.DisposeAsync() ?? ValueTask.CompletedTask).ConfigureAwait(false);
        await _autoNat.DisposeAsync().ConfigureAwait(false);
        await _reservations.DisposeAsync().ConfigureAwait(false);
    }
}
