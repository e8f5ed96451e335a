using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;

namespace Hyperspace.Actors.Learning;

/// <summary>Following: the subscription and what comes by it, and the first contexts, which wait for what neighbours know.</summary>
internal sealed partial class TaskTypeActor
{
    private const int MaxWaiting = 64;

    /// <summary>How long the first context of a newly followed task type waits for the neighbours' runs.</summary>
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(4);

    private readonly List<IActorRef> _followers = [];
    private readonly List<(IActorRef Asker, TrajectoryCommands.GetContext Question)> _contexts = [];
    private bool _following;
    private bool _caughtUp;

    private IActorRef Followed => _registry.Get<LearningExtensions.FollowedTaskTypes>();

    private void Following()
    {
        Receive<TrajectoryCommands.Follow>(_ => OnFollow());
        Receive<TrajectoryMessages.FollowWanted>(_ => Follow());
        Receive<FollowMessages.Remembered>(_ => StartFollowing());
        Receive<FollowMessages.Standing>(standing =>
        {
            if (standing.Followed)
            {
                StartFollowing();
            }
        });
        Receive<FollowMessages.Refused>(refused =>
        {
            _log.Warning("{0} is not followed: {1}", _taskType, refused.Refusal.Message);
            _followers.ForEach(follower => follower.Tell(refused.Refusal));
            _followers.Clear();
            AnswerContexts();
        });
        Receive<TaskTypeMessages.Wake>(_ => AskWhetherFollowed());
        Receive<TaskTypeMessages.AskNeighbour>(ask =>
        {
            if (_following)
            {
                _exchange.Tell(new TrajectoryMessages.NeighbourCame(ask.Peer));
            }
        });
        Receive<TrajectoryMessages.CaughtUp>(_ =>
        {
            _caughtUp = true;
            if (_contexts.Count > 0)
            {
                _parts!.Runs.Tell(new TrajectoryMessages.Settle());
            }
        });
        Receive<TrajectoryMessages.Settled>(_ => AnswerContexts());
        Receive<PatienceOver>(_ => AnswerContexts());
    }

    /// <summary>An entity may start anew at any time (another process, a failed disk): the list knows whether it has to subscribe.</summary>
    private void AskWhetherFollowed()
    {
        if (!_following)
        {
            Followed.Tell(new FollowMessages.Ask(_taskType));
        }
    }

    private void Gossip()
    {
        Receive<GossipReceived>(OnGossip);
        Receive<TrajectoryMessages.Publish>(publish =>
        {
            _registry.Get<ActorKeys.Gossip>().Tell(new GossipCommands.Publish(_topic, publish.Envelope.Bytes.ToArray()));
            if (publish.Envelope.Type == EnvelopeTypes.Trajectory)
            {
                _exchange.Tell(new TrajectoryMessages.OwnRunStored());
            }
        });
        Receive<GossipPublished>(_ => { });
        Receive<GossipSubscribed>(_ => { });
        Receive<Refusal>(refusal => _log.Warning(refusal.Code == ErrorCodes.JournalFailed ? "A part of {0} could not write: {1}" : "Gossip refused a message on {0}: {1}", _topic, refusal.Message));
    }

    private void OnGossip(GossipReceived message)
    {
        var now = _services.Trajectories.Time.GetUtcNow();
        if (message.Topic != _topic || TrajectoryTopicValidator.Open(message.Topic, message.Data, now, out _) is not { } envelope)
        {
            // The topic's validator refuses these at the door and holds them against the forwarder.
            _log.Debug("Dropped a message of {0} on {1}.", message.From, message.Topic);
            return;
        }

        // What is over the limit is not lost: it is caught up with.
        if (_rate.Allows(envelope.Author.ToString(), now))
        {
            if (envelope.Type == EnvelopeTypes.Trajectory)
            {
                _exchange.Tell(new TrajectoryMessages.TakeIn(envelope));
            }
            else
            {
                TakeIn(new TrajectoryMessages.Brought([envelope], null));
            }
        }
    }

    private void OnFollow()
    {
        if (_following)
        {
            Sender.Tell(new TaskTypeFollowed(_taskType));
        }
        else if (_followers.Count >= MaxWaiting)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, "Too many callers wait for this task type to be followed; try again in a moment."));
        }
        else
        {
            _followers.Add(Sender);
            Follow();
        }
    }

    private void Follow()
    {
        if (!_following)
        {
            Followed.Tell(new FollowMessages.Remember(_taskType));
        }
    }

    private void StartFollowing()
    {
        _followers.ForEach(follower => follower.Tell(new TaskTypeFollowed(_taskType)));
        _followers.Clear();
        if (_following)
        {
            return;
        }

        _following = true;
        Context.SetReceiveTimeout(null);
        _registry.Get<ActorKeys.Gossip>().Tell(new GossipCommands.Subscribe(_topic));
        _exchange.Tell(new TrajectoryMessages.Followed());
    }

    private void OnGetContext(TrajectoryCommands.GetContext question)
    {
        Follow();
        if (_caughtUp || _contexts.Count >= MaxWaiting)
        {
            Pass(_parts!.HandOuts, question);
            return;
        }

        _contexts.Add((Sender, question));
        if (!Timers.IsTimerActive(nameof(PatienceOver)))
        {
            Timers.StartSingleTimer(nameof(PatienceOver), PatienceOver.Instance, CatchUpPatience);
        }
    }

    private void AnswerContexts()
    {
        Timers.Cancel(nameof(PatienceOver));
        _contexts.ForEach(waiting => _parts!.HandOuts.Tell(waiting.Question, waiting.Asker));
        _contexts.Clear();
    }

    private sealed class PatienceOver
    {
        public static PatienceOver Instance { get; } = new();
    }
}
