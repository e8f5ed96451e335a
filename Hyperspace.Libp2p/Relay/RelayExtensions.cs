using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Relay;

/// <summary>Wires relays into a switch.</summary>
public static class RelayExtensions
{
    /// <summary>
    /// Lets a switch dial <c>/…/p2p/RELAY/p2p-circuit/p2p/PEER</c> and listen on <c>/…/p2p/RELAY/p2p-circuit</c>, which holds a
    /// reservation at that relay. Call it before the switch starts.
    /// </summary>
    public static Libp2pSwitch UseRelays(this Libp2pSwitch peers, TimeProvider? time = null, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        peers.Use(new CircuitTransport(peers, time ?? TimeProvider.System, logger ?? NullLogger.Instance));
        return peers;
    }
}
