namespace Hyperspace.Contracts.Transport;

/// <summary>Messages of the connection actor.</summary>
public static class ConnectionCommands
{
    /// <summary>Dials a multiaddr, with or without <c>/p2p/…</c>. Answered with <see cref="Dialled"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Dial(string Address);

    /// <summary>Closes every connection to a peer. Answered with <see cref="Closed"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Close(string PeerId);

    /// <summary>Answered with <see cref="Connections"/>.</summary>
    public sealed record List;

    /// <summary>
    /// The sender hears <see cref="PeerUp"/>, <see cref="PeerChanged"/> and <see cref="PeerDown"/> until it stops or unsubscribes.
    /// Answered with <see cref="ConnectionsSubscribed"/>, and again whenever news may have been missed.
    /// </summary>
    public sealed record Subscribe;

    /// <summary>The sender hears no more.</summary>
    public sealed record Unsubscribe;
}

/// <summary>A connected peer that said who it is.</summary>
/// <param name="PeerId">Its id.</param>
/// <param name="Addresses">Where it can be reached, as far as is known.</param>
/// <param name="Protocols">What it speaks.</param>
/// <param name="AgentVersion">What it runs; empty when it did not tell.</param>
public sealed record ConnectedPeer(string PeerId, IReadOnlyList<string> Addresses, IReadOnlyList<string> Protocols, string AgentVersion);

/// <summary>The connection stands.</summary>
public sealed record Dialled(string PeerId);

/// <summary>No connection to the peer stands.</summary>
public sealed record Closed(string PeerId);

/// <summary>The peers that are connected now.</summary>
public sealed record Connections(IReadOnlyList<ConnectedPeer> Peers);

/// <summary>The subscription stands; these peers are connected, whatever was told before.</summary>
public sealed record ConnectionsSubscribed(IReadOnlyList<ConnectedPeer> Peers);

/// <summary>A peer connected and said who it is.</summary>
public sealed record PeerUp(ConnectedPeer Peer);

/// <summary>A connected peer has other protocols or addresses, or was gone for a moment.</summary>
public sealed record PeerChanged(ConnectedPeer Peer);

/// <summary>The last connection to a peer is gone.</summary>
public sealed record PeerDown(string PeerId);
