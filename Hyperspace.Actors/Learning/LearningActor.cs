using Akka.Actor;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>The door: checks the task type, which becomes an entity's name and a topic, and passes the message on.</summary>
internal sealed class LearningActor : ReceiveActor
{
    public LearningActor(IActorRef taskTypes) => Receive<ITaskTypeMessage>(message =>
    {
        if (TrajectoryRules.IsTaskType(message.TaskType))
        {
            taskTypes.Forward(message);
        }
        else
        {
            Sender.Tell(TrajectoryRules.BadTaskType());
        }
    });
}
