using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Relay;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>Circuit Relay v2 with js-libp2p's own relay and clients, both version lines: who relays, who waits behind the relay and who dials, mixed.</summary>
[Collection(JsPartnerCollection.Name)]
public class RelayInteropTests(JsPartner js)
{
    /// <summary>A js peer that others reach through a relay only, or else the two would find a direct way.</summary>
    private static readonly object Hidden = new { relays = true, listen = Array.Empty<string>() };

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_js_relay_leads_our_peers_to_each_other(int line)
    {
        await using var relay = await js.StartAsync(line, new { relays = true, relayServer = new { } });
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        var address = await target.ListenAtAsync(relay.Addresses[0]);
        Assert.Equal(target.PeerId, await dialer.Switch.DialAsync(address));
        var data = Bytes(10_000);
        Assert.Equal(data, await dialer.EchoLimitedAsync(target.PeerId, data));
        await Eventually.TrueAsync(() => target.Switch.ConnectionsOf(dialer.PeerId).Count > 0);
        Assert.Equal(data, await target.EchoLimitedAsync(dialer.PeerId, data));
        Assert.True(dialer.ConnectionTo(target.PeerId).Limited);
        Assert.True(target.ConnectionTo(dialer.PeerId).Limited);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Our_relay_leads_js_peers_to_each_other(int line)
    {
        var (relay, service) = await RelayPeer.StartRelayAsync();
        await using var _ = relay;
        await using var target = await ListeningAtAsync(line, relay.Address);
        await using var dialer = await js.StartAsync(line, Hidden);
        Assert.Equal(1, service.ReservationCount);
        Assert.Equal(target.PeerId, await dialer.DialAsync(RelayPeer.Through(relay.Address, target.PeerId)));
        var data = Bytes(10_000);
        Assert.Equal(data, await dialer.EchoAsync(target.PeerId, data));
        Assert.Equal(data, await target.EchoAsync(dialer.PeerId, data));
        Assert.Equal(1, service.CircuitCount);
        Assert.True(await IsLimitedAsync(dialer, target.PeerId));
        Assert.True(await IsLimitedAsync(target, dialer.PeerId));
    }

    [SkippableTheory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task A_js_peer_behind_a_relay_is_dialed_by_us(int line, bool jsRelay)
    {
        await using var relay = await RelayAsync(line, jsRelay);
        await using var target = await ListeningAtAsync(line, relay.Address);
        await using var us = await RelayPeer.StartAsync();
        Assert.Equal(target.PeerId, await us.Switch.DialAsync(RelayPeer.Through(relay.Address, target.PeerId)));
        await ExchangeAsync(us, target);
    }

    [SkippableTheory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task We_are_dialed_behind_a_relay_by_a_js_peer(int line, bool jsRelay)
    {
        await using var relay = await RelayAsync(line, jsRelay);
        await using var us = await RelayPeer.StartAsync();
        var address = await us.ListenAtAsync(relay.Address);
        await using var dialer = await js.StartAsync(line, Hidden);
        Assert.Equal(us.PeerId, await dialer.DialAsync(address));
        await ExchangeAsync(us, dialer);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Both_version_lines_and_we_meet_at_one_relay_of_ours_without_limits(int line)
    {
        var (relay, _) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = default });
        await using var __ = relay;
        await using var target = await ListeningAtAsync(line, relay.Address);
        await using var dialer = await js.StartAsync(line == 2 ? 3 : 2, Hidden);
        await using var us = await RelayPeer.StartAsync();
        await dialer.DialAsync(RelayPeer.Through(relay.Address, target.PeerId));
        await us.Switch.DialAsync(RelayPeer.Through(relay.Address, target.PeerId));
        var data = Bytes(1_000_000);
        Assert.Equal(data, await dialer.EchoAsync(target.PeerId, data));
        Assert.Equal(data, await us.EchoAsync(target.PeerId, data));
        Assert.False(await IsLimitedAsync(dialer, target.PeerId));
        Assert.False(us.ConnectionTo(target.PeerId).Limited);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_js_relays_byte_limit_ends_our_circuit(int line)
    {
        await using var relay = await js.StartAsync(line, new { relays = true, relayServer = new { defaultDataLimit = 65_536 } });
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        await dialer.Switch.DialAsync(await target.ListenAtAsync(relay.Addresses[0]));
        Assert.Equal(10_000, (await dialer.EchoLimitedAsync(target.PeerId, Bytes(10_000))).Length);
        await Assert.ThrowsAnyAsync<IOException>(() => dialer.EchoLimitedAsync(target.PeerId, Bytes(100_000)));
        await Eventually.TrueAsync(() => dialer.Switch.ConnectionsOf(target.PeerId).Count == 0 && target.Switch.ConnectionsOf(dialer.PeerId).Count == 0);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Our_relays_byte_limit_ends_a_circuit_of_js_peers(int line)
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = new RelayLimit(TimeSpan.FromMinutes(2), 65_536) });
        await using var _ = relay;
        await using var target = await ListeningAtAsync(line, relay.Address);
        await using var dialer = await js.StartAsync(line, Hidden);
        await dialer.DialAsync(RelayPeer.Through(relay.Address, target.PeerId));
        Assert.Equal(10_000, (await dialer.EchoAsync(target.PeerId, Bytes(10_000))).Length);
        Assert.NotEqual(100_000, await EchoedAsync(dialer, target.PeerId, Bytes(100_000)));
        await Eventually.TrueAsync(async () => service.CircuitCount == 0 && !await IsConnectedAsync(dialer, target.PeerId) && !await IsConnectedAsync(target, dialer.PeerId));
        Assert.Equal(1, service.ReservationCount);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_js_relays_time_limit_ends_our_circuit(int line)
    {
        // js counts its own limit in milliseconds, and tells it as seconds.
        await using var relay = await js.StartAsync(line, new { relays = true, relayServer = new { defaultDurationLimit = 2000 } });
        await using var target = await RelayPeer.StartAsync();
        await using var dialer = await RelayPeer.StartAsync();
        await dialer.Switch.DialAsync(await target.ListenAtAsync(relay.Addresses[0]));
        await Eventually.TrueAsync(() => dialer.Switch.ConnectionsOf(target.PeerId).Count == 0 && target.Switch.ConnectionsOf(dialer.PeerId).Count == 0);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Our_relays_time_limit_ends_a_circuit_of_js_peers(int line)
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = new RelayLimit(TimeSpan.FromSeconds(2), 0) });
        await using var _ = relay;
        await using var target = await ListeningAtAsync(line, relay.Address);
        await using var dialer = await js.StartAsync(line, Hidden);
        await dialer.DialAsync(RelayPeer.Through(relay.Address, target.PeerId));
        await Eventually.TrueAsync(async () => service.CircuitCount == 0 && !await IsConnectedAsync(dialer, target.PeerId) && !await IsConnectedAsync(target, dialer.PeerId));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Reservations_are_refused_by_a_full_js_relay_and_refreshed_at_one_that_keeps_them_short(int line)
    {
        await using var relay = await js.StartAsync(line, new { relays = true, relayServer = new { maxReservations = 1, reservationTtl = 4000 } });
        await using var first = await RelayPeer.StartAsync();
        await using var second = await RelayPeer.StartAsync();
        await using var listener = await first.Switch.ListenAsync(Multiaddr.Parse($"{relay.Addresses[0]}/p2p-circuit"));
        var refused = await Assert.ThrowsAsync<RelayRefusedException>(() => second.ListenAtAsync(relay.Addresses[0]));
        Assert.Equal(RelayStatus.ReservationRefused, refused.Status);
        var circuit = Assert.IsType<CircuitListener>(listener);
        var expires = circuit.Reservation!.Expires;
        Assert.NotNull(circuit.Reservation.Voucher);
        await Eventually.TrueAsync(() => circuit.Reservation.Expires > expires);
    }

    private async Task<Partner> RelayAsync(int line, bool jsRelay)
    {
        if (jsRelay)
        {
            var peer = await js.StartAsync(line, new { relays = true, relayServer = new { } });
            return new Partner(peer.Addresses[0], peer);
        }

        var (relay, _) = await RelayPeer.StartRelayAsync();
        return new Partner(relay.Address, relay);
    }

    /// <summary>A js peer that has a reservation at the relay.</summary>
    private async Task<JsPeer> ListeningAtAsync(int line, Multiaddr relay)
    {
        var peer = await js.StartAsync(line, new { relays = true, listen = new[] { $"{relay}/p2p-circuit" } });
        await Eventually.TrueAsync(async () => JsPeer.Strings(await peer.CallAsync("addrs"), "addrs").Any(a => a.Contains("/p2p-circuit", StringComparison.Ordinal)));
        return peer;
    }

    private static async Task ExchangeAsync(TestSwitch us, JsPeer peer)
    {
        await Eventually.TrueAsync(() => us.Switch.ConnectionsOf(peer.PeerId).Count > 0);
        var data = Bytes(10_000);
        Assert.Equal(data, await us.EchoLimitedAsync(peer.PeerId, data));
        Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));
        Assert.True(us.ConnectionTo(peer.PeerId).Limited);
        Assert.True(await IsLimitedAsync(peer, us.PeerId));
    }

    private static async Task<bool> IsLimitedAsync(JsPeer peer, PeerId remote) =>
        (await peer.CallAsync("connections")).GetProperty("connections").EnumerateArray().Single(c => c.GetProperty("peer").GetString() == remote.ToString()).GetProperty("limited").GetBoolean();

    /// <summary>How many bytes of an echo came back before it ended; js 3 takes a broken connection for the end of the stream.</summary>
    private static async Task<int> EchoedAsync(JsPeer peer, PeerId remote, byte[] data)
    {
        try
        {
            return (await peer.EchoAsync(remote, data)).Length;
        }
        catch (InvalidOperationException)
        {
            return -1;
        }
    }

    private static async Task<bool> IsConnectedAsync(JsPeer peer, PeerId remote) =>
        JsPeer.Strings(await peer.CallAsync("peers"), "peers").Contains(remote.ToString());

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private sealed record Partner(Multiaddr Address, IAsyncDisposable Owner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Owner.DisposeAsync();
    }
}
