using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools;

/// <summary>What the tool actors need of the peer around them.</summary>
internal sealed record PeerServices(PeerIdentity Identity, PeerOptions Options, ISwitch Switch, IRpc Rpc, IContentRouting Routing, HybridClock Clock, TimeProvider Time, ITrust Trust);
