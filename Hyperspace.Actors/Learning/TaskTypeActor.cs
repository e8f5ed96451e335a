using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// One task type (sharded): the door to its runs (<see cref="TrajectoryActor"/>) and its playbook
/// (<see cref="PlaybookCuratorActor"/>, with its <see cref="ReflectorActor"/>), and the owner of its topic. It keeps nothing itself; when a child stops, it stops,
/// and the next message starts all of them anew.
/// </summary>
internal sealed class TaskTypeActor : ReceiveActor, IWithTimers, IWithStash
{
    private const int MaxWaiting = 64;

    /// <summary>How long the first context of a newly followed task type waits for the neighbours' runs.</summary>
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(2);

    private readonly string _taskType;
    private readonly string _topic;
    private readonly LearningServices _services;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly AuthorRate _rate;
    private readonly IActorRef _runs;
    private readonly IActorRef _curator;
    private readonly IActorRef _handOuts;
    private readonly IActorRef _reflector;
    private readonly List<IActorRef> _followers = [];
    private readonly List<(IActorRef Asker, TrajectoryCommands.GetContext Question)> _contexts = [];
    private bool _following;
    private bool _caughtUp;
    private bool _stopping;
    private IReadOnlyList<SignedEnvelope> _sharedOfPlaybook = [];
    private IReadOnlyList<SignedEnvelope> _sharedOfContexts = [];
    private int _children = 4;

    public TaskTypeActor(string taskType, LearningServices services, IReadOnlyActorRegistry registry)
    {
        _taskType = taskType;
        _topic = Topics.Trajectories(taskType);
        _services = services;
        _registry = registry;
        _rate = new AuthorRate(services.Options.RecordsPerAuthorAndMinute, window: TimeSpan.FromMinutes(1), maxAuthors: 4_096);
        _runs = Context.Watch(Context.ActorOf(Props.Create(() => new TrajectoryActor(taskType, services.Trajectories, registry)), "runs"));
        _reflector = Context.Watch(Context.ActorOf(Props.Create(() => new ReflectorActor(services.RunReflector)), "reflector"));
        _curator = Context.Watch(Context.ActorOf(Props.Create(() => new PlaybookCuratorActor(taskType, services, _reflector)), "playbook"));
        _handOuts = Context.Watch(Context.ActorOf(Props.Create(() => new ContextActor(taskType, services, _runs, _curator)), "contexts"));

        Opening();
    }

    public IStash Stash { get; set; } = null!;

    public ITimerScheduler Timers { get; set; } = null!;

    private IActorRef Followed => _registry.Get<LearningExtensions.FollowedTaskTypes>();

    protected override void PreStart()
    {
        Context.SetReceiveTimeout(IdleTime);
        AskWhetherFollowed();
    }

    // A child that fails is not restarted alone: it would miss what the other one told it.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(exception =>
    {
        _log.Error(exception, "A part of the task type {0} failed; it starts anew with the next message.", _taskType);
        return Directive.Stop;
    });

    /// <summary>Nothing is answered before the runs are read: a playbook without them would be another one.</summary>
    private void Opening()
    {
        Receive<TrajectoryMessages.ExperienceChanged>(changed =>
        {
            OnExperienceChanged(changed);
            Become(Open);
            Stash.UnstashAll();
        });
        Stopping();
        ReceiveAny(_ => Stash.Stash());
    }

    private void Open()
    {
        Receive<TrajectoryCommands.Record>(record => (record.ContextId is null ? _runs : _handOuts).Forward(record));
        Receive<TrajectoryCommands.Preview>(preview => Sender.Tell(
            (object?)TrajectoryWire.Preview(preview.Run, _services.Trajectories.Identity.PeerId.ToString(), _services.Trajectories.Time.GetUtcNow(), out var refusal) ?? refusal!));
        Receive<TrajectoryCommands.Curriculum>(_handOuts.Forward);
        Receive<TrajectoryCommands.Query>(_runs.Forward);
        Receive<TrajectoryCommands.Get>(_runs.Forward);
        Receive<TrajectoryCommands.Reflect>(_curator.Forward);
        Receive<TrajectoryCommands.GetPlaybook>(_curator.Forward);
        Receive<TrajectoryCommands.GetContext>(OnGetContext);
        Receive<TaskTypeMessages.Compare>(compare => _runs.Forward(new TrajectoryMessages.Compare(compare.Request)));
        Receive<TrajectoryMessages.ExperienceChanged>(OnExperienceChanged);
        Receive<TrajectoryMessages.OwnRunKept>(_handOuts.Tell);
        Receive<TrajectoryMessages.OwnRunReflected>(reflected =>
        {
            _handOuts.Tell(reflected);
            _runs.Tell(reflected);
        });
        Receive<TrajectoryMessages.ShareAlso>(OnShareAlso);
        Receive<TrajectoryMessages.Brought>(brought => Pass(brought.Envelope));
        Gossip();
        Following();
        Stopping();
    }

    private void OnExperienceChanged(TrajectoryMessages.ExperienceChanged changed)
    {
        _curator.Tell(changed);
        _handOuts.Tell(changed);
    }

    private void OnShareAlso(TrajectoryMessages.ShareAlso also)
    {
        (_sharedOfPlaybook, _sharedOfContexts) = Sender.Equals(_curator) ? (also.Envelopes, _sharedOfContexts) : (_sharedOfPlaybook, also.Envelopes);
        _runs.Tell(new TrajectoryMessages.ShareAlso([.. _sharedOfPlaybook, .. _sharedOfContexts]));
    }

    private void Gossip()
    {
        Receive<GossipReceived>(OnGossip);
        Receive<TrajectoryMessages.Publish>(publish =>
            _registry.Get<ActorKeys.Gossip>().Tell(new GossipCommands.Publish(_topic, publish.Envelope.Bytes.ToArray())));
        Receive<GossipPublished>(_ => { });
        Receive<GossipSubscribed>(_ => { });
        Receive<Refusal>(refusal => _log.Warning("Gossip refused a message on {0}: {1}", _topic, refusal.Message));
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
            Pass(envelope);
        }
    }

    private void Pass(SignedEnvelope envelope)
    {
        if (envelope.Type == EnvelopeTypes.Trajectory)
        {
            _runs.Tell(new TrajectoryMessages.TakeIn(envelope));
        }
        else
        {
            (envelope.Type == EnvelopeTypes.ExemplarCredits ? _handOuts : _curator).Tell(new TaskTypeMessages.TakeIn(envelope));
        }
    }

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
                _runs.Tell(new TrajectoryMessages.NeighbourCame(ask.Peer));
            }
        });
        Receive<TrajectoryMessages.CaughtUp>(_ =>
        {
            _caughtUp = true;
            AnswerContexts();
        });
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
        _runs.Tell(new TrajectoryMessages.Followed());
    }

    private void OnGetContext(TrajectoryCommands.GetContext question)
    {
        Follow();
        if (_caughtUp || _contexts.Count >= MaxWaiting)
        {
            _handOuts.Forward(question);
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
        _contexts.ForEach(waiting => _handOuts.Tell(waiting.Question, waiting.Asker));
        _contexts.Clear();
    }

    private void Stopping()
    {
        Receive<ReceiveTimeout>(_ => Context.Parent.Tell(new Passivate(StopEntity.Instance)));
        Receive<StopEntity>(_ =>
        {
            // Each finishes what it is writing first.
            _stopping = true;
            _runs.Tell(StopEntity.Instance);
        });
        Receive<Terminated>(ended =>
        {
            // What a run was recorded with is credited, then it is reflected on, and the last word goes into the playbook.
            var next = ended.ActorRef.Equals(_runs) ? _handOuts : ended.ActorRef.Equals(_handOuts) ? _reflector : _curator;
            if (_stopping)
            {
                next.Tell(StopEntity.Instance);
            }

            if (--_children == 0 || !_stopping)
            {
                Context.Stop(Self);
            }
        });
    }

    private sealed class PatienceOver
    {
        public static PatienceOver Instance { get; } = new();
    }
}
