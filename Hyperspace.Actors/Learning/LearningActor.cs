using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// The door of each process: checks the task type, which becomes an entity's name and a topic, and passes the message
/// on. Keeps followed task types awake, wakes those with runs that a crash left unfinished, and tells them of peers that come.
/// </summary>
internal sealed class LearningActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan WakeInterval = TimeSpan.FromMinutes(1);

    // By then sharding has settled: a message that waits for it when the peer stops early would only be warned about.
    private static readonly TimeSpan FirstWake = TimeSpan.FromSeconds(1);

    private readonly IActorRef _followed;
    private readonly ISwitch _network;
    private readonly IExperienceStore _store;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IDisposable? _observation;

    public LearningActor(IActorRef taskTypes, IActorRef followed, ISwitch network, IExperienceStore store)
    {
        _followed = followed;
        _network = network;
        _store = store;
        Receive<ITaskTypeMessage>(message =>
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
        Receive<IFollowMessage>(_followed.Tell);
        Receive<LookForUnfinished>(_ => _store.UnfinishedTaskTypesAsync().PipeTo(Self, success: found => new Unfinished(found)));
        Receive<Unfinished>(found =>
        {
            foreach (var taskType in found.TaskTypes)
            {
                taskTypes.Tell(new TaskTypeMessages.GoOn(taskType));
            }
        });
        Receive<Status.Failure>(failed => _log.Error(failed.Cause, "It is not known which runs are unfinished; they go on when their task types are used."));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        // Again and again: an entity that its journal failed, or whose process is gone, would stay deaf until somebody asks it.
        Timers.StartPeriodicTimer(nameof(FollowMessages.WakeAll), new FollowMessages.WakeAll(), FirstWake, WakeInterval);
        Timers.StartSingleTimer(nameof(LookForUnfinished), LookForUnfinished.Instance, FirstWake);
        _observation = _network.Observe(new Observer(_followed));
    }

    protected override void PostStop() => _observation?.Dispose();

    private sealed record Unfinished(IReadOnlyList<string> TaskTypes);

    private sealed class LookForUnfinished
    {
        public static LookForUnfinished Instance { get; } = new();
    }

    private sealed class Observer(IActorRef followed) : ISwitchObserver
    {
        public void PeerIdentified(PeerRecord peer) => followed.Tell(new FollowMessages.PeerJoined(peer.Peer));

        public void PeerDisconnected(PeerId peer)
        {
            // Nothing is kept per peer.
        }
    }
}
