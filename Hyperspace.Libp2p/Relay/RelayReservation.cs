using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay.Wire;

namespace Hyperspace.Libp2p.Relay;

/// <summary>What a relay promised this peer.</summary>
/// <param name="Relay">Who.</param>
/// <param name="Expires">Until when.</param>
/// <param name="Addresses">Where others reach the relay, each with its <c>/p2p</c>; what the relay says, unproven.</param>
/// <param name="Limit">What each circuit may use.</param>
/// <param name="Voucher">The relay's signed word, if it gave one.</param>
internal sealed record RelayReservation(PeerId Relay, DateTimeOffset Expires, IReadOnlyList<Multiaddr> Addresses, RelayLimit Limit, ReservationVoucher? Voucher)
{
    private static readonly TimeSpan LongestLead = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(12);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);

    /// <summary>How long to wait before the reservation is refreshed: till a quarter of its time, at most five minutes, is left; at least a second, so that no relay can make this peer ask without pause.</summary>
    public static TimeSpan RefreshAfter(DateTimeOffset now, DateTimeOffset expires)
    {
        var left = expires - now;
        var wait = left - (left / 4 < LongestLead ? left / 4 : LongestLead);
        return wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait;
    }

    /// <summary>Judges a relay's answer to RESERVE.</summary>
    /// <exception cref="RelayRefusedException">The relay said no.</exception>
    /// <exception cref="RelayProtocolException">No answer to that question, a reservation that is over already, or a voucher that does not fit.</exception>
    public static RelayReservation Read(HopMessage answer, PeerId relay, PeerId local, DateTimeOffset now)
    {
        if (answer is not { HasType: true, Type: HopMessage.Types.Type.Status, HasStatus: true })
        {
            throw new RelayProtocolException($"{relay} answered a RESERVE with something that is no status.");
        }

        if ((RelayStatus)answer.Status != RelayStatus.Ok)
        {
            throw new RelayRefusedException($"{relay} gives no reservation: {(RelayStatus)answer.Status}.", (RelayStatus)answer.Status);
        }

        if (answer.Reservation is not { HasExpire: true } reservation || !UnixSeconds.TryRead(reservation.Expire, out var expires) || expires <= now)
        {
            throw new RelayProtocolException($"{relay} gave a reservation that does not say until when, or that is over already (do both clocks agree?).");
        }

        return new RelayReservation(
            relay,
            expires,
            [.. RelayMessages.AddressesOf(reservation.Addrs).Where(a => !a.IsRelayed && (a.PeerId is null || a.PeerId == relay)).Select(a => a.WithPeer(relay)).Distinct()],
            RelayLimit.FromWire(answer.Limit),
            ReadVoucher(reservation, relay, local));
    }

    private static ReservationVoucher? ReadVoucher(Reservation reservation, PeerId relay, PeerId local) =>
        !reservation.HasVoucher ? null
        : ReservationVoucher.TryOpen(reservation.Voucher.Span, relay) is { } voucher && voucher.Peer == local ? voucher
        : throw new RelayProtocolException($"{relay} gave a voucher that it did not sign for this peer.");
}
