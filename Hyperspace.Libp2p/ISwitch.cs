using System.Net;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p;

/// <summary>Serves one inbound stream. When the task ends the stream is closed; when it faults, the stream is reset.</summary>
public delegate Task StreamHandler(IPeerStream stream, CancellationToken cancellationToken);

/// <summary>What is known of a peer: its addresses and, once identified, its protocols and agent.</summary>
/// <param name="Peer">The peer's id.</param>
/// <param name="Addresses">Addresses that were learnt, most recently seen first; may be empty.</param>
/// <param name="Protocols">Protocols that Identify reported; empty before that.</param>
/// <param name="AgentVersion">Identify's agentVersion, if known.</param>
public sealed record PeerRecord(PeerId Peer, IReadOnlyList<Multiaddr> Addresses, IReadOnlyList<string> Protocols, string? AgentVersion);

/// <summary>Hears of peers coming and going. Calls come one at a time and must return quickly.</summary>
public interface ISwitchObserver
{
    /// <summary>The first connection to the peer is up and Identify has told its protocols.</summary>
    void PeerIdentified(PeerRecord peer);

    /// <summary>An identified peer told new protocols or addresses (Identify push).</summary>
    void PeerUpdated(PeerRecord peer)
    {
    }

    /// <summary>The last connection to the peer is gone.</summary>
    void PeerDisconnected(PeerId peer);
}

/// <summary>
/// The switch (go: swarm): connections to peers and the streams over them. Protocols above (GossipSub, Kademlia,
/// rpc) use only this interface, so they run as well over anything else that implements it.
/// </summary>
public interface ISwitch
{
    /// <summary>This peer's id.</summary>
    PeerId LocalPeer { get; }

    /// <summary>Where this peer tells others that they can reach it, without <c>/p2p</c>: first what is listened on, with the real ports, then what it was told to announce besides.</summary>
    IReadOnlyList<Multiaddr> ListenAddresses { get; }

    /// <summary>Peers with at least one live connection that is not limited by a relay.</summary>
    IReadOnlyCollection<PeerId> ConnectedPeers { get; }

    /// <summary>Offers <paramref name="protocol"/>; more than <paramref name="maxInboundPerPeer"/> streams of one peer at once are refused.</summary>
    void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32);

    /// <summary>
    /// As <see cref="Handle(string, StreamHandler, int)"/>; <paramref name="runOnLimited"/> serves the protocol also on connections that a
    /// relay bounds in bytes and time (128 KiB and two minutes are common), where others are refused.
    /// </summary>
    void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer, bool runOnLimited) => Handle(protocol, handler, maxInboundPerPeer);

    /// <summary>Offers <paramref name="protocol"/> no longer and tells the connected peers; streams that are open go on to their end.</summary>
    void Unhandle(string protocol);

    /// <summary>Dials an address (with or without <c>/p2p/…</c>) and returns who answered; an existing connection to that peer is reused.</summary>
    /// <exception cref="IOException">No connection could be made, or another peer answered.</exception>
    Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default);

    /// <summary>Opens a stream and negotiates the first of <paramref name="protocols"/> that the peer speaks; dials known addresses when there is no connection.</summary>
    /// <exception cref="IOException">The peer cannot be reached or speaks none of the protocols.</exception>
    Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default);

    /// <summary>
    /// As <see cref="OpenStreamAsync(PeerId, IReadOnlyList{string}, CancellationToken)"/>; <paramref name="runOnLimited"/> lets the stream run on a
    /// connection that a relay bounds, when there is no other. Without it a peer that only a relay leads to cannot be reached.
    /// </summary>
    /// <exception cref="IOException">The peer cannot be reached or speaks none of the protocols.</exception>
    Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, bool runOnLimited, CancellationToken cancellationToken = default) =>
        OpenStreamAsync(peer, protocols, cancellationToken);

    /// <summary>Closes all connections to a peer.</summary>
    Task DisconnectAsync(PeerId peer);

    /// <summary>Remembers addresses of a peer for later dials (bounded per peer).</summary>
    void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses);

    /// <summary>True when this peer dialed at least one of its live connections to <paramref name="peer"/> (GossipSub keeps some such peers in every mesh).</summary>
    bool HasDialed(PeerId peer) => false;

    /// <summary>The IP addresses that the live connections to <paramref name="peer"/> lead to; none for connections through a relay, whose address says nothing of the peer.</summary>
    IReadOnlyList<IPAddress> RemoteIpsOf(PeerId peer) => [];

    /// <summary>What is known of a peer, if anything.</summary>
    PeerRecord? Find(PeerId peer);

    /// <summary>Registers an observer; peers that are already identified are reported to it at once. Dispose to stop.</summary>
    IDisposable Observe(ISwitchObserver observer);
}
