using System.Diagnostics.CodeAnalysis;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Relay;

/// <summary>The parts of <c>/…/p2p/RELAY/p2p-circuit[/p2p/TARGET]</c>. A circuit through two relays is none.</summary>
/// <param name="Relay">Who carries it.</param>
/// <param name="RelayAddress">Where the relay is, with its <c>/p2p</c>; null when the address does not say.</param>
/// <param name="Target">Who is at the end, if it says so.</param>
internal sealed record CircuitAddress(PeerId Relay, Multiaddr? RelayAddress, PeerId? Target)
{
    private const string Marker = "p2p-circuit";

    public static bool TryRead(Multiaddr address, [NotNullWhen(true)] out CircuitAddress? circuit)
    {
        circuit = null;
        var parts = address.ToString().Split("/" + Marker);
        if (parts is not [{ Length: > 0 } before, var after]
            || !Multiaddr.TryParse(before, out var relayAddress) || relayAddress.PeerId is not { } relay
            || !TryReadTarget(after, out var target))
        {
            return false;
        }

        circuit = new CircuitAddress(relay, relayAddress.Components.Count > 1 ? relayAddress : null, target);
        return true;
    }

    private static bool TryReadTarget(string text, out PeerId? target)
    {
        target = null;
        if (text.Length == 0)
        {
            return true;
        }

        target = Multiaddr.TryParse(text, out var rest) && rest.Components.Count == 1 ? rest.PeerId : null;
        return target is not null;
    }
}
