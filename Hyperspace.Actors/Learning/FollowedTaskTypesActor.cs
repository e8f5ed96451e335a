using Akka.Actor;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Learning;

/// <summary>Remembers which task types this peer follows, and keeps their entities awake (sharded, the only one of its kind).</summary>
internal sealed class FollowedTaskTypesActor : JournaledActor
{
    /// <summary>Most task types that a peer follows: each one costs a topic, and a little memory while it sleeps.</summary>
    public const int MaxTaskTypes = 1_024;

    /// <summary>The entity's id.</summary>
    public const string EntityId = "all";

    private readonly SortedSet<string> _followed = new(StringComparer.Ordinal);
    private readonly AuthorRate _joins = new(perWindow: 1, window: TimeSpan.FromMinutes(1), maxAuthors: 64);
    private readonly IReadOnlyActorRegistry _registry;

    public FollowedTaskTypesActor(IReadOnlyActorRegistry registry, TimeProvider time)
        : base("learning-followed", Journals.Default)
    {
        _registry = registry;
        Recover<TaskTypeRemembered>(e => _followed.Add(e.TaskType));
        Recover<RecoveryCompleted>(_ => WakeAll());
        Command<FollowMessages.Remember>(OnRemember);
        Command<FollowMessages.Ask>(ask => Sender.Tell(new FollowMessages.Standing(ask.TaskType, _followed.Contains(ask.TaskType))));
        Command<FollowMessages.PeerJoined>(joined =>
        {
            if (_joins.Allows(joined.Peer.ToString(), time.GetUtcNow()))
            {
                TellAll(taskType => new TaskTypeMessages.AskNeighbour(taskType, joined.Peer));
            }
        });
        Command<FollowMessages.WakeAll>(_ => WakeAll());
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    protected override object Unwritten =>
        new FollowMessages.Refused(new Refusal(ErrorCodes.JournalFailed, "The task type could not be journalled; free some disk space and try again."));

    private void OnRemember(FollowMessages.Remember command)
    {
        if (_followed.Contains(command.TaskType))
        {
            Sender.Tell(new FollowMessages.Remembered(command.TaskType));
        }
        else if (_followed.Count >= MaxTaskTypes)
        {
            Sender.Tell(new FollowMessages.Refused(new Refusal(ErrorCodes.TooLarge, $"This peer follows {MaxTaskTypes} task types already, which is the most; use one of them.")));
        }
        else
        {
            Persist(new TaskTypeRemembered { TaskType = command.TaskType }, e =>
            {
                _followed.Add(e.TaskType);
                Sender.Tell(new FollowMessages.Remembered(e.TaskType));
            });
        }
    }

    private void WakeAll() => TellAll(taskType => new TaskTypeMessages.Wake(taskType));

    private void TellAll(Func<string, object> message)
    {
        foreach (var taskType in _followed)
        {
            _registry.Get<LearningExtensions.TaskTypes>().Tell(message(taskType));
        }
    }
}
