using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Host.Net;

/// <summary>How a diagnostic peer is set up.</summary>
/// <param name="Listen">Where it listens; none: it only dials.</param>
/// <param name="Seed">Gives a key that is always the same; null makes a new one.</param>
/// <param name="DhtProtocol">The DHT's protocol id.</param>
/// <param name="DhtMode">Whether it holds records for others.</param>
/// <param name="MessageId">The form of gossip's message ids.</param>
internal sealed record NetOptions(IReadOnlyList<Multiaddr> Listen, ulong? Seed, string DhtProtocol, KademliaMode DhtMode, MessageIdForm MessageId);
