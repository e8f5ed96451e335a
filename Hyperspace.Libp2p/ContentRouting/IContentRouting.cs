using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.ContentRouting;

/// <summary>A peer and where it can be reached.</summary>
public sealed record PeerAddresses(PeerId Peer, IReadOnlyList<Multiaddr> Addresses);

/// <summary>Validates and chooses between DHT records of one namespace (<c>/{namespace}/…</c>); pure.</summary>
public interface IRecordValidator
{
    /// <summary>True when the value is good for the key.</summary>
    bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>The index of the best of several valid values (deterministic).</summary>
    int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values);
}

/// <summary>The distributed hash table: who provides a key, where a peer is, small signed records.</summary>
public interface IContentRouting
{
    /// <summary>Announces to the k closest peers that this peer provides <paramref name="multihash"/> (34 bytes, sha2-256), and keeps announcing. Returns how many took it.</summary>
    Task<int> ProvideAsync(ReadOnlyMemory<byte> multihash, CancellationToken cancellationToken = default);

    /// <summary>Stops announcing.</summary>
    void Unprovide(ReadOnlyMemory<byte> multihash);

    /// <summary>Providers as they are found, each once, this peer itself included when it provides; ends when the query ends or <paramref name="limit"/> is reached.</summary>
    IAsyncEnumerable<PeerAddresses> FindProvidersAsync(ReadOnlyMemory<byte> multihash, int limit, CancellationToken cancellationToken = default);

    /// <summary>Stores a record at the k closest peers and here. Returns how many others took it.</summary>
    /// <exception cref="ArgumentException">The namespace has no validator or the value is refused by it.</exception>
    Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default);

    /// <summary>The best valid value found, or null.</summary>
    Task<ReadOnlyMemory<byte>?> GetValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Valid values as they are found, each better than the one before, so that whoever is content with a first one need
    /// not wait; the last is what <see cref="GetValueAsync"/> returns. Ends when the query ends.
    /// </summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> SearchValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default);

    /// <summary>A peer's addresses, or null when nobody knows it.</summary>
    Task<PeerAddresses?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken = default);

    /// <summary>Peers in the routing table.</summary>
    int RoutingTableSize { get; }
}
