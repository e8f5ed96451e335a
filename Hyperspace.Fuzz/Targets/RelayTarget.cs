using Google.Protobuf;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Libp2p.Relay.Wire;

namespace Hyperspace.Fuzz;

/// <summary>
/// Circuit Relay v2. First byte: messages between client and relay (0), and between relay and target (1), as they come on a stream; the
/// answer to RESERVE as it came (2), and with a voucher that the relay signed around what the input says (3); an address (4).
/// </summary>
internal static class RelayTarget
{
    private static readonly KeyPair RelayKeys = KeyPair.FromSeed(Enumerable.Repeat((byte)11, 32).ToArray());
    private static readonly PeerId Local = KeyPair.FromSeed(Enumerable.Repeat((byte)12, 32).ToArray()).PeerId;
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static FuzzTarget Create() => new("relay", Run, Seeds)
    {
        Expects = e => e is RelayProtocolException or RelayRefusedException or FormatException,

        // A byte may be a whole message, empty, for which a reader, its task and the check's objects are made.
        AllocationPerByte = 4096,
        Dictionary = [[0x08, 0x00], [0x08, 0x01], [0x08, 0x02], [0x12, 0x28, 0x0a, 0x26, 0x00, 0x24], [0x1a], [0x22], [0x28, 0x64], [0x03, 0x02], "/p2p-circuit"u8.ToArray(), "/p2p/"u8.ToArray()],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte() % 5;
        var bytes = reader.Rest.ToArray();
        switch (mode)
        {
            case 0:
                ReadAll(new ByteStream(bytes, 100), HopMessage.Parser, m => (m.Peer, m.Limit));
                break;
            case 1:
                ReadAll(new ByteStream(bytes, 100), StopMessage.Parser, m => (m.Peer, m.Limit));
                break;
            case 2:
                Judge(new ByteStream(bytes, int.MaxValue));
                break;
            case 3:
                var seconds = reader.UInt32();
                var voucher = new ReservationVoucher(RelayKeys.PeerId, Local, DateTimeOffset.FromUnixTimeSeconds(seconds)).Seal(RelayKeys);
                var answer = new HopMessage
                {
                    Type = HopMessage.Types.Type.Status,
                    Status = (uint)RelayStatus.Ok,
                    Reservation = new Reservation { Expire = reader.UInt32() + (ulong)Now.ToUnixTimeSeconds(), Voucher = ByteString.CopyFrom(voucher) },
                };
                byte[] merged = [.. answer.ToByteArray(), .. reader.Rest];
                Judge(new ByteStream([.. LengthOf(merged.Length), .. merged], int.MaxValue));
                break;
            default:
                var address = Multiaddr.FromBytes(bytes);
                if (CircuitAddress.TryRead(address, out var circuit))
                {
                    Invariant.Holds(address.Components.Any(c => c.Protocol == "p2p-circuit"), "An address without a relay was read as one with.");
                    Invariant.Holds(circuit.RelayAddress is null || circuit.RelayAddress.PeerId == circuit.Relay, "A relay's address names another peer.");
                }

                break;
        }
    }

    private static void ReadAll<T>(ByteStream stream, MessageParser<T> parser, Func<T, (Peer? Peer, Limit? Limit)> parts)
        where T : IMessage<T>
    {
        while (stream.Left > 0)
        {
            var message = RelayMessages.ReadAsync(stream, parser, default).Now();
            var (peer, limit) = parts(message);
            _ = RelayMessages.PeerOf(peer);
            Invariant.Holds(RelayMessages.AddressesOf(peer?.Addrs ?? []).Count <= RelayMessages.MaxAddresses, "More addresses were read than the bound.");
            var read = RelayLimit.FromWire(limit);
            Invariant.Holds(read.Duration >= TimeSpan.Zero, "A circuit's time is negative.");
            Invariant.Holds(!read.IsLimited || RelayLimit.FromWire(read.ToWire()) == read, "A limit changed on the way.");
            Invariant.Holds(parser.ParseFrom(message.ToByteArray()).Equals(message), "A message changed on the way.");
        }
    }

    private static void Judge(ByteStream stream)
    {
        var reservation = RelayReservation.Read(RelayMessages.ReadAsync(stream, HopMessage.Parser, default).Now(), RelayKeys.PeerId, Local, Now);
        Invariant.Holds(reservation.Expires > Now, "A reservation was taken that is over.");
        Invariant.Holds(reservation.Addresses.All(a => a.PeerId == RelayKeys.PeerId), "A relay gave an address of another peer.");
        Invariant.Holds(reservation.Voucher is null || (reservation.Voucher.Relay == RelayKeys.PeerId && reservation.Voucher.Peer == Local), "A voucher was taken that is not about this peer.");
        var wait = RelayReservation.RefreshAfter(Now, reservation.Expires);
        Invariant.Holds(wait >= TimeSpan.FromSeconds(1) && wait < TimeSpan.FromDays(1), "A relay decides how often this peer asks.");
    }

    private static byte[] LengthOf(int length)
    {
        var bytes = new byte[Varint.SizeOf((ulong)length)];
        Varint.Write(bytes, (ulong)length);
        return bytes;
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var address = ByteString.CopyFrom(Multiaddr.Parse("/ip4/10.0.0.1/tcp/4001").Bytes.Span);
        var peer = new Peer { Id = ByteString.CopyFrom(Local.Bytes.Span), Addrs = { address } };
        var answer = new HopMessage
        {
            Type = HopMessage.Types.Type.Status,
            Status = (uint)RelayStatus.Ok,
            Reservation = new Reservation
            {
                Expire = (ulong)Now.AddHours(1).ToUnixTimeSeconds(),
                Addrs = { address },
                Voucher = ByteString.CopyFrom(new ReservationVoucher(RelayKeys.PeerId, Local, Now.AddHours(1)).Seal(RelayKeys)),
            },
            Limit = new Limit { Duration = 120, Data = 131072 },
        };
        yield return [0, .. new HopMessage { Type = HopMessage.Types.Type.Reserve }.ToLengthPrefixed(), .. new HopMessage { Type = HopMessage.Types.Type.Connect, Peer = peer }.ToLengthPrefixed()];
        yield return [1, .. new StopMessage { Type = StopMessage.Types.Type.Connect, Peer = peer, Limit = answer.Limit }.ToLengthPrefixed(), .. RelayMessages.StopStatus(RelayStatus.Ok).ToLengthPrefixed()];
        yield return [2, .. answer.ToLengthPrefixed()];
        yield return [3, 0, 0, 0, 0, 0, 0, 14, 16];
        yield return [4, .. Multiaddr.Parse($"/ip4/10.0.0.1/tcp/4001/p2p/{RelayKeys.PeerId}/p2p-circuit/p2p/{Local}").Bytes.Span];
    }
}
