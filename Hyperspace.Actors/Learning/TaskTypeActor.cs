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
/// One task type (sharded): the door to its runs, playbook and contexts, and the owner of its topic. It keeps nothing itself.
/// What it exchanges with other peers (<see cref="TrajectoryExchangeActor"/>) is always there; the parts that hold memory
/// (<see cref="AwakeParts"/>) are started by the first question, and stopped when others need the room (ADR-0026).
/// </summary>
internal sealed partial class TaskTypeActor : ReceiveActor, IWithTimers, IWithStash
{
    // Four actors, two of them persistent, with little in them.
    private const long FixedBytes = 64 * 1024;

    // An envelope is kept with its records, by author and by what they tell of.
    private const long TimesInMemory = 4;

    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(2);

    private readonly string _taskType;
    private readonly string _topic;
    private readonly LearningServices _services;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly AuthorRate _rate;
    private readonly IActorRef _exchange;
    private AwakeParts? _parts;
    private bool _stopping;
    private bool _wakeAgain;
    private bool _handedOver;
    private IReadOnlyList<SignedEnvelope>? _sharedOfPlaybook;
    private IReadOnlyList<SignedEnvelope>? _sharedOfContexts;
    private long _footprint;
    private long _sharedBytes;
    private long _told;

    public TaskTypeActor(string taskType, LearningServices services, IReadOnlyActorRegistry registry)
    {
        _taskType = taskType;
        _topic = Topics.Trajectories(taskType);
        _services = services;
        _registry = registry;
        _rate = new AuthorRate(services.Options.RecordsPerAuthorAndMinute, window: TimeSpan.FromMinutes(1), maxAuthors: 4_096);
        _exchange = Context.Watch(Context.ActorOf(Props.Create(() => new TrajectoryExchangeActor(taskType, services.Trajectories, envelope => TrajectoryTopicValidator.Check(envelope, taskType) == null)), "exchange"));
        Asleep();
    }

    public IStash Stash { get; set; } = null!;

    public ITimerScheduler Timers { get; set; } = null!;

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

    private void Asleep()
    {
        Always();
        Receive<ITaskTypeMessage>(_ =>
        {
            Stash.Stash();
            WakeUp();
        });
    }

    /// <summary>Nothing is answered before the runs are read, and before the playbook was told what came meanwhile: without them it would be another one.</summary>
    private void WakingOrFallingAsleep()
    {
        Always();
        Receive<ITaskTypeMessage>(_ => Stash.Stash());
    }

    private void Awake()
    {
        Always();
        Receive<TrajectoryCommands.Record>(record => Pass(record.ContextId is null ? _parts!.Runs : _parts!.HandOuts, record));
        Receive<TrajectoryCommands.Query>(query => Pass(_parts!.Runs, query));
        Receive<TrajectoryCommands.Curriculum>(ask => Pass(_parts!.HandOuts, ask));
        Receive<TrajectoryCommands.Reflect>(reflect => Pass(_parts!.Playbook, reflect));
        Receive<TrajectoryCommands.GetPlaybook>(get => Pass(_parts!.Playbook, get));
        Receive<TrajectoryCommands.GetContext>(OnGetContext);
    }

    /// <summary>What needs no memory, or comes from the parts themselves.</summary>
    private void Always()
    {
        Receive<TrajectoryCommands.Preview>(preview => Sender.Tell(
            (object?)TrajectoryWire.Preview(preview.Run, _services.Trajectories.Identity.PeerId.ToString(), _services.Trajectories.Time.GetUtcNow(), out var refusal) ?? refusal!));
        Receive<TrajectoryCommands.Get>(_exchange.Forward);
        Receive<TaskTypeMessages.Compare>(compare => _exchange.Forward(new TrajectoryMessages.Compare(compare.Request)));
        Receive<TrajectoryMessages.ExperienceChanged>(OnExperienceChanged);
        Receive<TrajectoryMessages.OwnRunKept>(kept => _parts?.HandOuts.Tell(kept));
        Receive<TrajectoryMessages.OwnRunReflected>(reflected =>
        {
            _parts?.HandOuts.Tell(reflected);
            _parts?.Runs.Tell(reflected);
        });
        Receive<TaskTypeMessages.GoOn>(_ => WakeUp());
        Receive<TrajectoryMessages.ShareAlso>(OnShareAlso);
        Receive<TrajectoryMessages.RunsCame>(came =>
        {
            if (_parts is { IsStopping: false })
            {
                _parts.Runs.Tell(came);
            }
        });
        Receive<TrajectoryMessages.Brought>(TakeIn);
        Receive<TrajectoryMessages.WakeWanted>(_ =>
        {
            _wakeAgain = _parts is { IsStopping: true };
            WakeUp();
        });
        Receive<TrajectoryMessages.HandedOver>(_ =>
        {
            _handedOver = true;
            OpenWhenReady();
        });
        Gossip();
        Following();
        Sleeping();
    }

    private void Pass(IActorRef part, object question)
    {
        part.Forward(question);
        TellWhatIsHeld(used: true);
    }

    private void OnExperienceChanged(TrajectoryMessages.ExperienceChanged changed)
    {
        _parts!.Playbook.Tell(changed);
        _parts.HandOuts.Tell(changed);
        var first = _footprint == 0;
        _footprint = FixedBytes + changed.Footprint;
        TellWhatIsHeld(used: false);
        if (first)
        {
            OpenWhenReady();
        }
    }

    private void OpenWhenReady()
    {
        if (_handedOver && _footprint > 0 && !_parts!.IsStopping)
        {
            // Nobody is asked to give way before the question that woke it is answered.
            TellWhatIsHeld(used: true);
            Become(Awake);
            Stash.UnstashAll();
        }
    }

    private void OnShareAlso(TrajectoryMessages.ShareAlso also)
    {
        (_sharedOfPlaybook, _sharedOfContexts) = Sender.Equals(_parts!.Playbook) ? (also.Envelopes, _sharedOfContexts) : (_sharedOfPlaybook, also.Envelopes);
        if (_sharedOfPlaybook is not null && _sharedOfContexts is not null)
        {
            IReadOnlyList<SignedEnvelope> all = [.. _sharedOfPlaybook, .. _sharedOfContexts];
            _exchange.Tell(new TrajectoryMessages.ShareAlso(all));
            _sharedBytes = TimesInMemory * all.Sum(envelope => (long)envelope.Bytes.Length);
            TellWhatIsHeld(used: false);
        }
    }

    /// <summary>What is no run is the parts' to journal; while there are none it waits with the exchange.</summary>
    private void TakeIn(TrajectoryMessages.Brought brought)
    {
        if (_parts is { IsStopping: false })
        {
            _parts.TakerOf(brought.Envelopes[0].Type).Tell(new TaskTypeMessages.TakeIn(brought.Envelopes, brought.Asker));
        }
        else
        {
            _exchange.Tell(new TrajectoryMessages.WaitAwhile(brought));
        }
    }

    private void WakeUp()
    {
        if (_parts is null && !_stopping)
        {
            _parts = new AwakeParts(Context, _taskType, _services, _registry);
            _handedOver = false;
            _exchange.Tell(new TrajectoryMessages.HandOver());
            Become(WakingOrFallingAsleep);
        }
    }

    private void FallAsleep()
    {
        AnswerContexts();
        _parts!.Stop();
        Become(WakingOrFallingAsleep);
    }

    private void Sleeping()
    {
        Receive<WorkingSetsActor.GiveWay>(_ =>
        {
            if (_parts is not { IsStopping: false })
            {
                return;
            }

            // It was told that before it fell asleep, and wakes again; or contexts wait for neighbours.
            if (_told == 0 || _contexts.Count > 0)
            {
                TellWhatIsHeld(used: true);
            }
            else if (_following)
            {
                FallAsleep();
            }
            else
            {
                Context.Parent.Tell(new Passivate(StopEntity.Instance));
            }
        });
        Receive<ReceiveTimeout>(_ => Context.Parent.Tell(new Passivate(StopEntity.Instance)));
        Receive<StopEntity>(_ =>
        {
            _stopping = true;
            if (_parts is null)
            {
                Context.Stop(Self);
            }
            else
            {
                FallAsleep();
            }
        });
        Receive<Terminated>(ended =>
        {
            if (_parts is not { IsStopping: true } || ended.ActorRef.Equals(_exchange))
            {
                Context.Stop(Self);
            }
            else if (_parts.Ended(ended.ActorRef))
            {
                OnAsleep();
            }
        });
    }

    private void OnAsleep()
    {
        (_parts, _sharedOfPlaybook, _sharedOfContexts) = (null, null, null);
        (_footprint, _sharedBytes, _told) = (0, 0, 0);
        if (_stopping)
        {
            // What came while it fell asleep is for the next one.
            foreach (var question in Stash.ClearStash())
            {
                Context.Parent.Tell(question.Message, question.Sender);
            }

            Context.Stop(Self);
            return;
        }

        _exchange.Tell(new TrajectoryMessages.FellAsleep());
        _services.WorkingSets.Tell(new WorkingSetsActor.Freed());
        Become(Asleep);
        Stash.UnstashAll();
        if (_wakeAgain)
        {
            _wakeAgain = false;
            WakeUp();
        }
    }

    /// <summary>What came from others is no use: a task type that nobody asks is the first to give way.</summary>
    private void TellWhatIsHeld(bool used)
    {
        var bytes = _footprint + _sharedBytes;
        if (used || (_told > 0 && bytes > _told + (_told / 8)))
        {
            _told = bytes;
            _services.WorkingSets.Tell(new WorkingSetsActor.Used(bytes));
        }
    }
}
