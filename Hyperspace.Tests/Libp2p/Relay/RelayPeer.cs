using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Relay;

/// <summary>Peers around relays on loopback: each can use one, and echoes over limited connections too.</summary>
internal static class RelayPeer
{
    /// <summary>A peer that can dial and listen through relays; others reach it in no other way.</summary>
    public static Task<TestSwitch> StartAsync() => StartAsync(hidden: true);

    /// <summary>A peer that is a relay as well.</summary>
    public static async Task<(TestSwitch Peer, RelayService Service)> StartRelayAsync(RelayServiceOptions? options = null)
    {
        var peer = await StartAsync(hidden: false);
        return (peer, new RelayService(peer.Switch, peer.Keys, options ?? Generous));
    }

    /// <summary>Limits that loopback, where all have one address, does not run into.</summary>
    public static RelayServiceOptions Generous { get; } = new() { MaxReservationsPerIp = 128, RequestsPerMinutePerIp = 100_000 };

    /// <summary>Makes a reservation at a relay and returns the address at which others reach the peer.</summary>
    public static async Task<Multiaddr> ListenAtAsync(this TestSwitch peer, Multiaddr relay)
    {
        await peer.Switch.ListenAsync(Multiaddr.Parse($"{relay}/p2p-circuit"));
        return Through(relay, peer.PeerId);
    }

    /// <summary>The address of a peer through a relay.</summary>
    public static Multiaddr Through(Multiaddr relay, PeerId peer) => Multiaddr.Parse($"{relay}/p2p-circuit/p2p/{peer}");

    /// <summary>Echoes over whatever connection there is, limited or not.</summary>
    public static async Task<byte[]> EchoLimitedAsync(this TestSwitch from, PeerId to, byte[] data)
    {
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        await using var stream = await from.Switch.OpenStreamAsync(to, [TestSwitch.Echo], runOnLimited: true, timeout.Token);
        var received = stream.ReadToEndAsync(timeout.Token);
        await stream.WriteAsync(data, timeout.Token);
        await stream.CloseWriteAsync(timeout.Token);
        return await received;
    }

    /// <summary>The one connection to a peer.</summary>
    internal static PeerConnection ConnectionTo(this TestSwitch from, PeerId to) => Assert.Single(from.Switch.ConnectionsOf(to));

    private static async Task<TestSwitch> StartAsync(bool hidden)
    {
        var peer = await TestSwitch.StartAsync(o => hidden ? o with { ListenAddresses = [] } : o);
        peer.Switch.UseRelays();
        peer.Switch.Handle(TestSwitch.Echo, TestSwitch.EchoAsync, 1000, runOnLimited: true);
        return peer;
    }
}
