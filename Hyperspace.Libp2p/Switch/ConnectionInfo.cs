using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>A live connection, for diagnosis.</summary>
/// <param name="Peer">Who is at the other end.</param>
/// <param name="RemoteAddress">Where that is, as this end sees it.</param>
/// <param name="Inbound">True when the remote dialed.</param>
/// <param name="Streams">Streams that are open, half-open or lingering.</param>
public sealed record ConnectionInfo(PeerId Peer, Multiaddr RemoteAddress, bool Inbound, int Streams);
