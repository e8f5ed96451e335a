using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Libp2p.Relay.Wire;

namespace Hyperspace.Tests.Libp2p.Relay;

public sealed class ReservationVoucherTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly KeyPair _relay = KeyPair.Generate();
    private readonly KeyPair _peer = KeyPair.Generate();
    private readonly KeyPair _other = KeyPair.Generate();

    [Fact]
    public void A_voucher_opens_for_its_relay_only()
    {
        var voucher = new ReservationVoucher(_relay.PeerId, _peer.PeerId, Now.AddHours(1));
        var sealedByRelay = voucher.Seal(_relay);
        Assert.Equal(voucher, ReservationVoucher.TryOpen(sealedByRelay, _relay.PeerId));
        Assert.Null(ReservationVoucher.TryOpen(sealedByRelay, _other.PeerId));
        Assert.Null(ReservationVoucher.TryOpen(voucher.Seal(_other), _relay.PeerId));
        Assert.Null(ReservationVoucher.TryOpen(voucher.Seal(_other), _other.PeerId));
    }

    [Property]
    public bool A_voucher_with_any_bit_changed_or_cut_off_does_not_open_as_another(ushort at, byte bit)
    {
        var voucher = new ReservationVoucher(_relay.PeerId, _peer.PeerId, Now.AddHours(1));
        var bytes = voucher.Seal(_relay);
        var flipped = bytes.ToArray();
        flipped[at % bytes.Length] ^= (byte)(1 << (bit % 8));
        return ReservationVoucher.TryOpen(flipped, _relay.PeerId) is null
            && ReservationVoucher.TryOpen(bytes.AsSpan(0, at % bytes.Length), _relay.PeerId) is null;
    }

    [Fact]
    public void A_reservation_is_taken_with_its_addresses_and_its_limit()
    {
        var address = Multiaddr.Parse("/ip4/192.0.2.1/tcp/4001");
        var answer = Granted();
        answer.Limit = new Limit { Duration = 120, Data = 131072 };
        foreach (var bytes in (byte[][])[
            address.Bytes.ToArray(),
            address.WithPeer(_relay.PeerId).Bytes.ToArray(),
            address.WithPeer(_other.PeerId).Bytes.ToArray(),
            Multiaddr.Parse($"{address.WithPeer(_relay.PeerId)}/p2p-circuit").Bytes.ToArray(),
            [0xff, 0xff]])
        {
            answer.Reservation.Addrs.Add(ByteString.CopyFrom(bytes));
        }

        var reservation = RelayReservation.Read(answer, _relay.PeerId, _peer.PeerId, Now);
        Assert.Equal([address.WithPeer(_relay.PeerId)], reservation.Addresses);
        Assert.Equal(new RelayLimit(TimeSpan.FromMinutes(2), 128 * 1024), reservation.Limit);
        Assert.Equal(Now.AddHours(1), reservation.Expires);
        Assert.Equal(_peer.PeerId, reservation.Voucher!.Peer);
    }

    [Fact]
    public void A_reservation_that_is_over_or_endless_or_whose_voucher_is_for_another_is_not_taken()
    {
        HopMessage[] bad =
        [
            new() { Status = 100 },
            new() { Type = HopMessage.Types.Type.Reserve, Status = 100 },
            new() { Type = HopMessage.Types.Type.Status },
            new() { Type = HopMessage.Types.Type.Status, Status = 100 },
            Change(a => a.Reservation.ClearExpire()),
            Change(a => a.Reservation.Expire = (ulong)Now.ToUnixTimeSeconds()),
            Change(a => a.Reservation.Expire = ulong.MaxValue),
            Change(a => a.Reservation.Voucher = ByteString.Empty),
            Change(a => a.Reservation.Voucher = ByteString.CopyFrom(new ReservationVoucher(_relay.PeerId, _other.PeerId, Now.AddHours(1)).Seal(_relay))),
            Change(a => a.Reservation.Voucher = ByteString.CopyFrom(new ReservationVoucher(_relay.PeerId, _peer.PeerId, Now.AddHours(1)).Seal(_other))),
        ];
        Assert.All(bad, a => Assert.Throws<RelayProtocolException>(() => RelayReservation.Read(a, _relay.PeerId, _peer.PeerId, Now)));
        var refused = new HopMessage { Type = HopMessage.Types.Type.Status, Status = 999 };
        Assert.Equal(999, (int)Assert.Throws<RelayRefusedException>(() => RelayReservation.Read(refused, _relay.PeerId, _peer.PeerId, Now)).Status);
    }

    [Fact]
    public void Circuit_addresses_are_read_and_those_of_two_relays_are_none()
    {
        var relay = $"/ip4/192.0.2.1/tcp/4001/p2p/{_relay.PeerId}";
        Assert.True(CircuitAddress.TryRead(Multiaddr.Parse($"{relay}/p2p-circuit/p2p/{_peer.PeerId}"), out var whole));
        Assert.Equal(new CircuitAddress(_relay.PeerId, Multiaddr.Parse(relay), _peer.PeerId), whole);
        Assert.True(CircuitAddress.TryRead(Multiaddr.Parse($"/p2p/{_relay.PeerId}/p2p-circuit"), out var bare));
        Assert.Equal(new CircuitAddress(_relay.PeerId, null, null), bare);
        Assert.All(
            (string[])[relay, "/ip4/192.0.2.1/tcp/4001/p2p-circuit", "/p2p-circuit", $"{relay}/p2p-circuit/p2p/{_peer.PeerId}/p2p-circuit", $"{relay}/p2p-circuit/tcp/1"],
            a => Assert.False(CircuitAddress.TryRead(Multiaddr.Parse(a), out _)));
    }

    public void Dispose()
    {
        _relay.Dispose();
        _peer.Dispose();
        _other.Dispose();
    }

    private HopMessage Granted() => new()
    {
        Type = HopMessage.Types.Type.Status,
        Status = 100,
        Reservation = new Reservation
        {
            Expire = (ulong)Now.AddHours(1).ToUnixTimeSeconds(),
            Voucher = ByteString.CopyFrom(new ReservationVoucher(_relay.PeerId, _peer.PeerId, Now.AddHours(1)).Seal(_relay)),
        },
    };

    private HopMessage Change(Action<HopMessage> change)
    {
        var answer = Granted();
        change(answer);
        return answer;
    }
}
