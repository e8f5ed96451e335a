using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What the runs of a task type need from outside.</summary>
/// <param name="Identity">Whose runs are recorded here.</param>
/// <param name="Clock">Timestamps of envelopes.</param>
/// <param name="Time">The time by which envelopes are judged.</param>
/// <param name="Neighbours">Peers to catch up from.</param>
/// <param name="Store">Where runs are kept.</param>
/// <param name="Bodies">Shortened runs made whole.</param>
/// <param name="SyncInterval">How often a task type is compared with a neighbour, on average.</param>
/// <param name="Random">Chooses neighbours and moments; safe from any thread.</param>
internal sealed record TrajectoryServices(PeerIdentity Identity, HybridClock Clock, TimeProvider Time, NeighbourTrajectories Neighbours, IExperienceStore Store, RunBodies Bodies, TimeSpan SyncInterval, Random Random);
