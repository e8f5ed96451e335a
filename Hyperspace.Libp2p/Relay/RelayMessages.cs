using Google.Protobuf;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay.Wire;

namespace Hyperspace.Libp2p.Relay;

/// <summary>Reads and writes the relay protocol's messages: a uvarint length and protobuf.</summary>
internal static class RelayMessages
{
    /// <summary>The protocol between a client and a relay.</summary>
    public const string HopProtocol = "/libp2p/circuit/relay/0.2.0/hop";

    /// <summary>The protocol between a relay and the target of a circuit.</summary>
    public const string StopProtocol = "/libp2p/circuit/relay/0.2.0/stop";

    /// <summary>Longest message that is accepted, in bytes.</summary>
    public const int MaxLength = 4096;

    /// <summary>Addresses that are read from a message; more are left out.</summary>
    public const int MaxAddresses = 32;

    /// <summary>Reads the next message of a stream.</summary>
    /// <exception cref="RelayProtocolException">Too long, cut off, or no message of the protocol.</exception>
    public static async Task<T> ReadAsync<T>(IPeerStream stream, MessageParser<T> parser, CancellationToken cancellationToken)
        where T : IMessage<T>
    {
        try
        {
            var bytes = await stream.ReadMessageAsync(MaxLength, cancellationToken).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The remote closed the stream without a message.");
            return parser.ParseFrom(bytes);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or MessageFramingException or EndOfStreamException)
        {
            throw new RelayProtocolException($"The relay message cannot be read: {e.Message}", e);
        }
    }

    public static ValueTask WriteAsync(IPeerStream stream, IMessage message, CancellationToken cancellationToken) =>
        stream.WriteAsync(message.ToLengthPrefixed(), cancellationToken);

    public static HopMessage HopStatus(RelayStatus status, RelayLimit limit = default) =>
        new() { Type = HopMessage.Types.Type.Status, Status = (uint)status, Limit = limit.ToWire() };

    public static StopMessage StopStatus(RelayStatus status) =>
        new() { Type = StopMessage.Types.Type.Status, Status = (uint)status };

    /// <summary>Who a message is about; null when it does not say, or not readably.</summary>
    public static PeerId? PeerOf(Peer? peer)
    {
        try
        {
            return peer is { HasId: true } ? PeerId.FromBytes(peer.Id.Span) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The addresses among those of a message that this peer can read.</summary>
    public static IReadOnlyList<Multiaddr> AddressesOf(IEnumerable<ByteString> addresses)
    {
        var read = new List<Multiaddr>();
        foreach (var bytes in addresses.Take(MaxAddresses))
        {
            try
            {
                read.Add(Multiaddr.FromBytes(bytes.Span));
            }
            catch (FormatException)
            {
                // Of a transport that this peer does not know.
            }
        }

        return read;
    }
}
