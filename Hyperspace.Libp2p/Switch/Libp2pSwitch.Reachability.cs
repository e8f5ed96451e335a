using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <content>Finding out whether an address leads to a peer, and telling others of those that lead to this one.</content>
public sealed partial class Libp2pSwitch
{
    /// <summary>Dials an address anew, whatever connections there are, sees that the peer proves who it is, and hangs up.</summary>
    /// <exception cref="IOException">Nobody or another peer answered.</exception>
    internal async Task ProbeAsync(Multiaddr address, PeerId expected, CancellationToken cancellationToken)
    {
        var transport = TransportFor(address) ?? throw new IOException($"'{address}' is of no transport that this peer has.");
        var raw = await transport.DialAsync(address.WithPeer(expected), cancellationToken).ConfigureAwait(false);
        var upgraded = await _upgrader.UpgradeAsync(raw, inbound: false, expected, cancellationToken).ConfigureAwait(false);
        await upgraded.Transport.DisposeAsync().ConfigureAwait(false);
        upgraded.Channel.Dispose();
    }

    /// <summary>Announces addresses that others reached this peer at, besides those of the options, in place of the earlier ones.</summary>
    internal void AnnounceReached(IEnumerable<Multiaddr> addresses) => Announce(_options.AnnounceAddresses.Concat(addresses));
}
