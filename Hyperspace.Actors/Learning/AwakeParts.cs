using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>The parts of a task type that hold memory, and are there while it is awake. They are started and stopped together.</summary>
internal sealed class AwakeParts
{
    private int _left = 4;

    /// <summary>Starts them, watched, as children of the actor whose context it is.</summary>
    public AwakeParts(IActorContext context, string taskType, LearningServices services, Akka.Hosting.IReadOnlyActorRegistry registry)
    {
        Runs = context.Watch(context.ActorOf(Props.Create(() => new TrajectoryActor(taskType, services.Trajectories, services.Trust, registry)), "runs"));
        Reflector = context.Watch(context.ActorOf(Props.Create(() => new ReflectorActor(services.RunReflector)), "reflector"));
        var (runs, reflector) = (Runs, Reflector);
        Playbook = context.Watch(context.ActorOf(Props.Create(() => new PlaybookCuratorActor(taskType, services, reflector)), "playbook"));
        var playbook = Playbook;
        HandOuts = context.Watch(context.ActorOf(Props.Create(() => new ContextActor(taskType, services, runs, playbook)), "contexts"));
    }

    /// <summary>The working set of runs.</summary>
    public IActorRef Runs { get; }

    /// <summary>Reflects on this peer's runs.</summary>
    public IActorRef Reflector { get; }

    /// <summary>The playbook.</summary>
    public IActorRef Playbook { get; }

    /// <summary>What was handed out, and what came of it.</summary>
    public IActorRef HandOuts { get; }

    /// <summary>Whether they were told to stop.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>What is journalled besides runs; a part that is recovering takes it when it is done.</summary>
    public IActorRef TakerOf(string envelopeType) => envelopeType == Contracts.EnvelopeTypes.ExemplarCredits ? HandOuts : Playbook;

    /// <summary>Stops them one after the other: each finishes what it has in hand, and tells the next one.</summary>
    public void Stop()
    {
        if (!IsStopping)
        {
            IsStopping = true;
            HandOuts.Tell(new TrajectoryMessages.StopRuns());
        }
    }

    /// <summary>A child has ended. True when it was one of these and the last of them.</summary>
    public bool Ended(IActorRef child)
    {
        // What a run was recorded with is credited, then it is reflected on, and the last word goes into the playbook.
        var next = child.Equals(Runs) ? HandOuts : child.Equals(HandOuts) ? Reflector : child.Equals(Reflector) ? Playbook : null;
        next?.Tell(StopEntity.Instance);
        return --_left == 0;
    }
}
