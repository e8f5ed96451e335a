using Google.Protobuf;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>Where a routing table outlives the process. The bytes are <see cref="RoutingTableSnapshot"/>'s.</summary>
public interface IRoutingTableStore
{
    /// <summary>What was saved last, or null. No more than <see cref="RoutingTableSnapshot.MaxBytes"/> are of use.</summary>
    /// <exception cref="IOException">It cannot be read; the peer starts without.</exception>
    ValueTask<ReadOnlyMemory<byte>?> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Saves, whole or not at all.</summary>
    /// <exception cref="IOException">It cannot be written; the peer runs on.</exception>
    ValueTask SaveAsync(ReadOnlyMemory<byte> snapshot, CancellationToken cancellationToken);
}

/// <summary>The saved form of a routing table: protobuf, a version, peers and their addresses, bounded. Whatever else it finds there, it reads as no peers.</summary>
public static class RoutingTableSnapshot
{
    /// <summary>The longest snapshot that is read or written, in bytes.</summary>
    public const int MaxBytes = 256 * 1024;

    /// <summary>Peers that are saved.</summary>
    public const int MaxPeers = 256;

    private const uint Version = 1;
    private const int MaxAddresses = 8;

    /// <summary>The bytes; peers that do not fit are left out from the end.</summary>
    public static byte[] Encode(IEnumerable<PeerAddresses> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        var saved = new SavedPeers { Version = Version };
        var size = saved.CalculateSize();
        foreach (var peer in peers.Take(MaxPeers).Select(p => KademliaMessages.ToWire(p with { Addresses = [.. p.Addresses.Take(MaxAddresses)] })))
        {
            // Tag and length take at most four bytes more.
            size += peer.CalculateSize() + 4;
            if (size > MaxBytes)
            {
                break;
            }

            saved.Peers.Add(peer);
        }

        return saved.ToByteArray();
    }

    /// <summary>The peers; none when the bytes are damaged, too many or of another version.</summary>
    public static IReadOnlyList<PeerAddresses> Decode(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
        {
            return [];
        }

        try
        {
            var saved = SavedPeers.Parser.ParseFrom(bytes.Span);
            return saved.Version == Version ? KademliaMessages.FromWire(saved.Peers, MaxPeers, MaxAddresses) : [];
        }
        catch (InvalidProtocolBufferException)
        {
            return [];
        }
    }
}
