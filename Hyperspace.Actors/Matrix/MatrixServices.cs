using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Matrix;

/// <summary>What the matrix needs of the peer around it.</summary>
/// <param name="DataDirectory">Where its file lies.</param>
/// <param name="Identity">Who signs.</param>
/// <param name="Clock">For envelopes.</param>
/// <param name="Time">For timers.</param>
/// <param name="Rpc">For <c>matrix.sync</c>.</param>
/// <param name="Network">Who is connected.</param>
/// <param name="Random">Chooses neighbours.</param>
/// <param name="Trust">What authors weigh; null: all the same.</param>
/// <param name="Embedder">The model that embeds queries and capabilities; null: there is none.</param>
internal sealed record MatrixServices(string DataDirectory, PeerIdentity Identity, HybridClock Clock, TimeProvider Time, IRpc Rpc, ISwitch Network, Random Random, ITrust? Trust, IEmbeddingModel? Embedder);
