using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What a task type's actor needs from outside.</summary>
/// <param name="Trajectories">What its runs need.</param>
/// <param name="Options">How the peer learns.</param>
/// <param name="Reflector">Turns runs into bullets.</param>
/// <param name="RunReflector">Reflects on this peer's runs.</param>
/// <param name="WorkingSets">The <see cref="WorkingSetsActor"/> of this process.</param>
/// <param name="Trust">Whose word counts how much; null: everyone's alike.</param>
internal sealed record LearningServices(TrajectoryServices Trajectories, LearningOptions Options, IReflector Reflector, IRunReflector RunReflector, IActorRef WorkingSets, ITrust? Trust);
