namespace Hyperspace.Contracts.Transport;

/// <summary>Messages of the DHT actor. Each is answered as told, or with a <see cref="Refusal"/>.</summary>
public static class DhtCommands
{
    /// <summary>Looks for a peer's addresses. Answered with <see cref="DhtPeer"/>; without addresses when nobody knows it.</summary>
    public sealed record FindPeer(string PeerId);

    /// <summary>Looks for providers of a key (SHA-256 multihash, 34 bytes). Answered with <see cref="DhtProviders"/>.</summary>
    public sealed record FindProviders(byte[] Multihash, int Limit);

    /// <summary>Announces that this peer provides a key, from now on. Answered with <see cref="DhtProvided"/>.</summary>
    public sealed record Provide(byte[] Multihash);

    /// <summary>Announces it no longer; not answered.</summary>
    public sealed record Unprovide(byte[] Multihash);

    /// <summary>Stores a record. Answered with <see cref="DhtStored"/>.</summary>
    public sealed record Put(byte[] Key, byte[] Value);

    /// <summary>Looks for a record. Answered with <see cref="DhtValue"/>.</summary>
    public sealed record Get(byte[] Key);
}

/// <summary>A peer and where it can be reached.</summary>
public sealed record DhtPeer(string PeerId, IReadOnlyList<string> Addresses);

/// <summary>Who provides a key.</summary>
public sealed record DhtProviders(IReadOnlyList<DhtPeer> Peers);

/// <summary>So many other peers took the announcement.</summary>
public sealed record DhtProvided(int Peers);

/// <summary>So many other peers took the record.</summary>
public sealed record DhtStored(int Peers);

/// <summary>The best value found; null when there is none.</summary>
public sealed record DhtValue(byte[]? Value);
