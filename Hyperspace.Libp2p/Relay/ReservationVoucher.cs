using Google.Protobuf;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Records;
using Hyperspace.Libp2p.Relay.Wire;

namespace Hyperspace.Libp2p.Relay;

/// <summary>A relay's signed word that it serves a peer until a time (libp2p/specs relay/circuit-v2, reservation vouchers).</summary>
/// <param name="Relay">Who gives it.</param>
/// <param name="Peer">Whom it serves.</param>
/// <param name="Expires">Until when, to the second.</param>
public sealed record ReservationVoucher(PeerId Relay, PeerId Peer, DateTimeOffset Expires)
{
    private static readonly RecordEnvelope Kind = new("libp2p-relay-rsvp", new byte[] { 0x03, 0x02 });

    /// <summary>The voucher in an envelope signed by the relay's key.</summary>
    public byte[] Seal(KeyPair relayKeys) => Kind.Seal(relayKeys, new Voucher
    {
        Relay = ByteString.CopyFrom(Relay.Bytes.Span),
        Peer = ByteString.CopyFrom(Peer.Bytes.Span),
        Expiration = (ulong)Expires.ToUnixTimeSeconds(),
    }.ToByteArray());

    /// <summary>Reads a voucher that <paramref name="relay"/> signed; null for damaged bytes, another signer, or a voucher in another relay's name.</summary>
    public static ReservationVoucher? TryOpen(ReadOnlySpan<byte> envelope, PeerId relay)
    {
        if (!Kind.TryOpen(envelope, relay, out var payload))
        {
            return null;
        }

        try
        {
            var voucher = Voucher.Parser.ParseFrom(payload);
            return voucher.Relay.Span.SequenceEqual(relay.Bytes.Span) && UnixSeconds.TryRead(voucher.Expiration, out var expires)
                ? new ReservationVoucher(relay, PeerId.FromBytes(voucher.Peer.Span), expires)
                : null;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FormatException)
        {
            return null;
        }
    }
}
