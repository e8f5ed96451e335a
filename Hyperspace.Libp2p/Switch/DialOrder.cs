using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Which of a peer's addresses are tried first.</summary>
internal static class DialOrder
{
    /// <summary>True when the address leads through a relay.</summary>
    public static bool IsRelayed(Multiaddr address) => address.Components.Any(c => c.Protocol == "p2p-circuit");

    /// <summary>TCP, then WebSocket, then through relays; in the given order (most recently seen first) among equals.</summary>
    public static IEnumerable<Multiaddr> Of(IEnumerable<Multiaddr> addresses) => addresses.OrderBy(Rank);

    private static int Rank(Multiaddr address) =>
        IsRelayed(address) ? 2
        : address.Components.Any(c => c.Protocol is "ws" or "wss" or "tls") ? 1
        : 0;
}
