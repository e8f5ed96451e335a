using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Multiformats;
using static Hyperspace.Libp2p.Kademlia.Wire.Message.Types;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>The protocol's messages and what they hold; pure. What others wrote is read with limits, what cannot be read is skipped.</summary>
internal static class KademliaMessages
{
    public static Message FindNode(ReadOnlySpan<byte> key) => Request(MessageType.FindNode, key);

    public static Message GetValue(ReadOnlySpan<byte> key) => Request(MessageType.GetValue, key);

    public static Message GetProviders(ReadOnlySpan<byte> key) => Request(MessageType.GetProviders, key);

    public static Message Ping() => new() { Type = MessageType.Ping };

    public static Message PutValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, DateTimeOffset now)
    {
        var message = Request(MessageType.PutValue, key);
        message.Record = RecordOf(key, value, now);
        return message;
    }

    public static Message AddProvider(ReadOnlySpan<byte> key, PeerAddresses self)
    {
        var message = Request(MessageType.AddProvider, key);
        message.ProviderPeers.Add(ToWire(self));
        return message;
    }

    public static Record RecordOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, DateTimeOffset receivedAt) => new()
    {
        Key = ByteString.CopyFrom(key),
        Value = ByteString.CopyFrom(value),

        // Nine digits of a second, as other implementations write and expect it.
        TimeReceived = receivedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture),
    };

    public static Peer ToWire(PeerAddresses peer)
    {
        var wire = new Peer { Id = ByteString.CopyFrom(peer.Peer.Bytes.Span), Connection = ConnectionType.CanConnect };
        wire.Addrs.AddRange(peer.Addresses.Select(a => ByteString.CopyFrom(a.Bytes.Span)));
        return wire;
    }

    /// <summary>The peers of a message: at most <paramref name="maxPeers"/>, each once; bad ids, bad addresses and addresses of another peer are skipped.</summary>
    public static IReadOnlyList<PeerAddresses> FromWire(RepeatedField<Peer> peers, int maxPeers, int maxAddresses)
    {
        var read = new List<PeerAddresses>();
        var seen = new HashSet<PeerId>();
        foreach (var peer in peers.Take(maxPeers))
        {
            if (ReadPeerId(peer.Id.Span) is { } id && seen.Add(id))
            {
                read.Add(new PeerAddresses(id, [.. peer.Addrs.Take(maxAddresses).Select(a => ReadAddress(a.Span, id)).OfType<Multiaddr>()]));
            }
        }

        return read;
    }

    /// <summary>The namespace of a record key: <c>hyperspace</c> for <c>/hyperspace/…</c>; null when it has none.</summary>
    public static string? NamespaceOf(ReadOnlySpan<byte> key)
    {
        if (key.Length < 3 || key[0] != '/')
        {
            return null;
        }

        var end = key[1..].IndexOf((byte)'/');
        return end > 0 && Ascii.IsValid(key.Slice(1, end)) ? Encoding.ASCII.GetString(key.Slice(1, end)) : null;
    }

    private static Message Request(MessageType type, ReadOnlySpan<byte> key) => new() { Type = type, Key = ByteString.CopyFrom(key) };

    private static PeerId? ReadPeerId(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return PeerId.FromBytes(bytes);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static Multiaddr? ReadAddress(ReadOnlySpan<byte> bytes, PeerId owner)
    {
        try
        {
            var address = Multiaddr.FromBytes(bytes);
            return address.PeerId is null ? address : address.PeerId == owner ? address.WithoutPeer() : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
