using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Which of a peer's addresses are tried first.</summary>
internal static class DialOrder
{
    /// <summary>TCP, then WebSocket, then through relays; in the given order (most recently seen first) among equals.</summary>
    public static IEnumerable<Multiaddr> Of(IEnumerable<Multiaddr> addresses) => addresses.OrderBy(Rank);

    private static int Rank(Multiaddr address) =>
        address.IsRelayed ? 2
        : address.Components.Any(c => c.Protocol is "ws" or "wss" or "tls") ? 1
        : 0;
}
