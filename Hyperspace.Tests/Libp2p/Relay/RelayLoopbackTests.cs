using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Relay;

/// <summary>Relay and clients over real sockets, both ours.</summary>
public class RelayLoopbackTests
{
    [Fact]
    public async Task Two_peers_talk_through_a_relay_with_their_own_security_end_to_end()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync();
        await using var _ = relay;
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        var address = await target.ListenAtAsync(relay.Address);
        Assert.Contains(address.WithoutPeer(), target.Switch.ListenAddresses);

        Assert.Equal(target.PeerId, await dialer.Switch.DialAsync(address));

        var data = Bytes(50_000);
        Assert.Equal(data, await dialer.EchoLimitedAsync(target.PeerId, data));
        Assert.True(dialer.ConnectionTo(target.PeerId).Limited);
        await Eventually.TrueAsync(() => target.Switch.ConnectionsOf(dialer.PeerId) is [{ Limited: true, Inbound: true }]);
        Assert.Equal((1, 1), (service.ReservationCount, service.CircuitCount));

        await dialer.Switch.DisconnectAsync(target.PeerId);
        await Eventually.TrueAsync(() => service.CircuitCount == 0 && target.Switch.ConnectionsOf(dialer.PeerId).Count == 0);
    }

    [Fact]
    public async Task Protocols_that_do_not_ask_for_it_do_not_run_over_a_limited_circuit_and_run_over_one_without_limits()
    {
        foreach (var (limit, runs) in ((RelayLimit, bool)[])[(new(TimeSpan.FromMinutes(1), 100_000), false), (default, true)])
        {
            var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = limit });
            await using var _ = relay;
            await using var target = await RelayPeer.StartAsync();
            await using var dialer = await RelayPeer.StartAsync();
            await dialer.Switch.DialAsync(await target.ListenAtAsync(relay.Address));
            if (runs)
            {
                var data = Bytes(3_000_000);
                Assert.Equal(data, await dialer.EchoAsync(target.PeerId, data));
            }
            else
            {
                await Assert.ThrowsAnyAsync<IOException>(() => dialer.EchoAsync(target.PeerId, Bytes(1)));
            }
        }
    }

    [Fact]
    public async Task The_first_byte_beyond_the_limit_ends_the_circuit_at_both_ends()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = new RelayLimit(TimeSpan.FromMinutes(5), 40_000) });
        await using var _ = relay;
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        await dialer.Switch.DialAsync(await target.ListenAtAsync(relay.Address));
        Assert.Equal(20_000, (await dialer.EchoLimitedAsync(target.PeerId, Bytes(20_000))).Length);
        await Assert.ThrowsAnyAsync<IOException>(() => dialer.EchoLimitedAsync(target.PeerId, Bytes(40_000)));
        await Eventually.TrueAsync(() => service.CircuitCount == 0
            && dialer.Switch.ConnectionsOf(target.PeerId).Count == 0
            && target.Switch.ConnectionsOf(dialer.PeerId).Count == 0);
        Assert.Equal(1, service.ReservationCount);
    }

    [Fact]
    public async Task A_circuit_whose_time_is_up_ends_at_both_ends()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = new RelayLimit(TimeSpan.FromSeconds(1), 0) });
        await using var _ = relay;
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        await dialer.Switch.DialAsync(await target.ListenAtAsync(relay.Address));
        await Eventually.TrueAsync(() => service.CircuitCount == 0
            && dialer.Switch.ConnectionsOf(target.PeerId).Count == 0
            && target.Switch.ConnectionsOf(dialer.PeerId).Count == 0);
    }

    [Fact]
    public async Task A_peer_without_a_reservation_or_gone_with_it_is_not_reached()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync();
        await using var _ = relay;
        await using var dialer = await RelayPeer.StartAsync();
        await using (var target = await RelayPeer.StartAsync())
        {
            await target.Switch.DialAsync(relay.Address);
            await AssertRefusedAsync(RelayStatus.NoReservation, dialer, RelayPeer.Through(relay.Address, target.PeerId));
            var address = await target.ListenAtAsync(relay.Address);
            Assert.Equal(1, service.ReservationCount);
            await target.Switch.DisposeAsync();
            await Eventually.TrueAsync(() => service.ReservationCount == 0);
            await AssertRefusedAsync(RelayStatus.NoReservation, dialer, address);
        }
    }

    [Fact]
    public async Task A_listener_ends_with_its_relay_and_its_address_goes_too()
    {
        await using var target = await RelayPeer.StartAsync();
        var (relay, _) = await RelayPeer.StartRelayAsync();
        await using (relay)
        {
            await target.ListenAtAsync(relay.Address);
            Assert.Single(target.Switch.ListenAddresses);
        }

        await Eventually.TrueAsync(() => target.Switch.ListenAddresses.Count == 0);
    }

    [Fact]
    public async Task Nobody_is_relayed_to_itself_or_over_two_relays()
    {
        var (relay, _) = await RelayPeer.StartRelayAsync();
        await using var __ = relay;
        await using var peer = await RelayPeer.StartAsync();
        await using var stranger = await RelayPeer.StartAsync();
        var address = await peer.ListenAtAsync(relay.Address);
        await Assert.ThrowsAnyAsync<IOException>(() => peer.Switch.DialAsync(address));
        await Assert.ThrowsAnyAsync<IOException>(() => stranger.Switch.DialAsync(RelayPeer.Through(relay.Address, relay.PeerId)));
        await Assert.ThrowsAnyAsync<IOException>(() => relay.Switch.DialAsync(RelayPeer.Through(relay.Address, stranger.PeerId)));
        await Assert.ThrowsAnyAsync<IOException>(() => peer.Switch.DialAsync(Multiaddr.Parse($"{address}/p2p-circuit/p2p/{stranger.PeerId}")));
        await Assert.ThrowsAnyAsync<IOException>(() => peer.ListenAtAsync(address));
    }

    [Fact]
    public async Task A_relayed_connection_neither_reserves_nor_connects_at_a_second_relay()
    {
        // Without limits, so that the hop protocol is served at all on the circuit.
        var open = RelayPeer.Generous with { CircuitLimit = default };
        var (first, _) = await RelayPeer.StartRelayAsync(open);
        await using var __ = first;
        var (second, service) = await RelayPeer.StartRelayAsync(open);
        await using var ___ = second;
        await using var client = await RelayPeer.StartAsync();
        await client.Switch.DialAsync(await second.ListenAtAsync(first.Address));
        var circuit = client.ConnectionTo(second.PeerId);
        Assert.False(circuit.Limited);
        var refused = await Assert.ThrowsAsync<RelayRefusedException>(() => RelayClient.ReserveAsync(circuit, client.PeerId, TimeProvider.System, CancellationToken.None));
        Assert.Equal(RelayStatus.PermissionDenied, refused.Status);
        refused = await Assert.ThrowsAsync<RelayRefusedException>(() => RelayClient.ConnectAsync(circuit, first.PeerId, CancellationToken.None));
        Assert.Equal(RelayStatus.PermissionDenied, refused.Status);
        Assert.Equal(0, service.ReservationCount);
    }

    [Fact]
    public async Task Reservations_are_kept_when_a_relay_comes_late_or_goes_and_comes_again_and_given_up_when_no_longer_wanted()
    {
        var (first, service) = await RelayPeer.StartRelayAsync();
        await using var peer = await RelayPeer.StartAsync();
        await using var keeper = new RelayReservations(peer.Switch, [first.Address]);
        keeper.Want(true);
        await Eventually.TrueAsync(() => service.ReservationCount == 1);
        await first.Switch.DisconnectAsync(peer.PeerId);
        await Eventually.TrueAsync(() => service.ReservationCount == 0);
        await Eventually.TrueAsync(() => service.ReservationCount == 1 && peer.Switch.ListenAddresses.Count == 1);
        keeper.Want(false);
        await Eventually.TrueAsync(() => peer.Switch.ListenAddresses.Count == 0);
        keeper.Want(true);
        await Eventually.TrueAsync(() => peer.Switch.ListenAddresses.Count == 1);
        await first.DisposeAsync();
        await Eventually.TrueAsync(() => peer.Switch.ListenAddresses.Count == 0);
    }

    private static async Task AssertRefusedAsync(RelayStatus expected, TestSwitch dialer, Multiaddr address) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<RelayRefusedException>(() => dialer.Switch.DialAsync(address))).Status);

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
