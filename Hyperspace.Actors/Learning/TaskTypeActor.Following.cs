using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Learning;

/// <summary>Following: the topic's subscription, and catching up from neighbours when the subscription begins or a peer comes.</summary>
internal sealed partial class TaskTypeActor
{
    private const int Neighbours = 3;
    private const int MaxWaiting = 64;

    /// <summary>How long the first context of a newly followed task type waits for the neighbours' runs.</summary>
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(2);

    private readonly List<IActorRef> _followers = [];
    private readonly List<(IActorRef Asker, TrajectoryCommands.GetContext Question)> _contexts = [];
    private bool _following;
    private bool _caughtUp;
    private int _asking;

    private IActorRef Followed => _registry.Get<LearningExtensions.FollowedTaskTypes>();

    private void CommandsOfFollowing()
    {
        Command<TrajectoryCommands.Follow>(_ => OnFollow());
        Command<TrajectoryCommands.GetContext>(OnGetContext);
        Command<FollowMessages.Remembered>(_ => StartFollowing());
        Command<FollowMessages.Standing>(standing =>
        {
            if (standing.Followed)
            {
                StartFollowing();
            }
        });
        Command<FollowMessages.Refused>(refused =>
        {
            _log.Warning("{0} is not followed: {1}", _state.TaskType, refused.Refusal.Message);
            _followers.ForEach(follower => follower.Tell(refused.Refusal));
            _followers.Clear();
            AnswerContexts();
        });
        Command<TaskTypeMessages.Wake>(_ => AskWhetherFollowed());
        Command<TaskTypeMessages.AskNeighbour>(ask =>
        {
            if (_following)
            {
                AskNeighbours([ask.Peer]);
            }
        });
        Command<NeighbourAnswer>(OnAnswer);
        Command<PatienceOver>(_ => AnswerContexts());
        Command<ReceiveTimeout>(_ => Context.Parent.Tell(new Passivate(StopEntity.Instance)));
        Context.SetReceiveTimeout(IdleTime);
    }

    /// <summary>An entity may start anew at any time (another process, a failed journal): the list knows whether it has to subscribe.</summary>
    private void AskWhetherFollowed()
    {
        if (!_following)
        {
            Followed.Tell(new FollowMessages.Ask(_state.TaskType));
        }
    }

    private void OnFollow()
    {
        if (_following)
        {
            Sender.Tell(new TaskTypeFollowed(_state.TaskType));
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
            Followed.Tell(new FollowMessages.Remember(_state.TaskType));
        }
    }

    private void StartFollowing()
    {
        _followers.ForEach(follower => follower.Tell(new TaskTypeFollowed(_state.TaskType)));
        _followers.Clear();
        if (_following)
        {
            return;
        }

        _following = true;
        Context.SetReceiveTimeout(null);
        _registry.Get<ActorKeys.Gossip>().Tell(new GossipCommands.Subscribe(_topic));
        AskNeighbours(_services.Neighbours.Some(Neighbours));
    }

    private void AskNeighbours(IReadOnlyList<PeerId> peers)
    {
        foreach (var peer in peers.Take(Neighbours - _asking))
        {
            _asking++;
            _services.Neighbours.AskAsync(peer, _state.TaskType).PipeTo(Self);
        }

        if (_asking == 0)
        {
            CaughtUp();
        }
    }

    private void OnAnswer(NeighbourAnswer answer)
    {
        _asking--;
        if (answer.Failure is not null)
        {
            _log.Info("{0} gave no runs of {1}: {2}", answer.Peer, _state.TaskType, answer.Failure);
        }

        var now = _services.Time.GetUtcNow();
        var grown = _state;
        var news = new List<SignedEnvelope>();
        foreach (var bytes in answer.Envelopes)
        {
            if (SignedEnvelope.Open(bytes, now, out _) is { } envelope && grown.Add(envelope, out _) is var next && !ReferenceEquals(next, grown))
            {
                grown = next;
                news.Add(envelope);
            }
        }

        PersistAll(news.Select(EventOf), ApplyAndSnapshot);
        DeferAsync(answer, _ =>
        {
            if (_asking == 0)
            {
                CaughtUp();
            }
        });
    }

    private void CaughtUp()
    {
        _caughtUp = true;
        AnswerContexts();
    }

    private void OnGetContext(TrajectoryCommands.GetContext question)
    {
        Follow();
        if (_caughtUp || _contexts.Count >= MaxWaiting)
        {
            Answer(Sender, question);
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
        _contexts.ForEach(waiting => Answer(waiting.Asker, waiting.Question));
        _contexts.Clear();
    }

    private void Answer(IActorRef asker, TrajectoryCommands.GetContext question)
    {
        var bullets = _state.Bullets.Take(question.Limit <= 0 ? DefaultBullets : Math.Min(question.Limit, Learning.Playbook.MaxBullets));
        var exemplars = TrajectoryRetrieval.Exemplars(_state.Trajectories, question.Input, MaxExemplars);
        asker.Tell(new LearningContext(_state.TaskType, [.. bullets], Views(exemplars)));
    }

    private sealed class PatienceOver
    {
        public static PatienceOver Instance { get; } = new();
    }
}
