using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What a task type's actor needs from outside.</summary>
/// <param name="Trajectories">What its runs need.</param>
/// <param name="Options">How the peer learns.</param>
/// <param name="Reflector">Turns runs into bullets.</param>
internal sealed record LearningServices(TrajectoryServices Trajectories, LearningOptions Options, IReflector Reflector);
