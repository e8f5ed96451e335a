using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What a task type's actor needs from outside.</summary>
/// <param name="Identity">Whose runs are recorded here.</param>
/// <param name="Clock">Timestamps of envelopes.</param>
/// <param name="Time">The time by which envelopes are judged.</param>
/// <param name="Neighbours">Peers to catch up from.</param>
/// <param name="Reflector">Turns runs into bullets.</param>
internal sealed record LearningServices(PeerIdentity Identity, HybridClock Clock, TimeProvider Time, NeighbourTrajectories Neighbours, IReflector Reflector);
