using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// The working set of one task type: the best of its runs (<see cref="TrajectoryState"/>), read from
/// <see cref="IExperienceStore"/> when it wakes. Records this peer's own runs, and answers from what is kept. What comes from
/// other peers it is told by its parent.
/// </summary>
internal sealed partial class TrajectoryActor : ReceiveActor, IWithTimers, IWithStash
{
    private const int MaxMatches = 100;
    private static readonly TimeSpan SessionPatience = TimeSpan.FromSeconds(5);

    private const int MaxArrived = 4_096;

    // What is derived from the runs costs more than a run: others' runs are ranked and told together.
    private static readonly TimeSpan SettleInterval = TimeSpan.FromMilliseconds(100);

    private readonly string _taskType;
    private readonly TrajectoryServices _services;
    private readonly ITrust? _trust;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<KeptTrajectory> _arrived = [];
    private readonly List<(IActorRef Asker, object Answer)> _answers = [];
    private TrajectoryState _state;
    private GoalAttempts _attempts = GoalAttempts.None;
    private int _underWay;
    private bool _stopping;

    public TrajectoryActor(string taskType, TrajectoryServices services, ITrust? trust, IReadOnlyActorRegistry registry)
    {
        _taskType = taskType;
        _services = services;
        _trust = trust;
        _registry = registry;
        _state = NoRuns();
        Loading();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    protected override void PreStart() =>
        LoadAsync(_services.Store, _taskType).PipeTo(Self);

    private static async Task<Loaded> LoadAsync(IExperienceStore store, string taskType) =>
        new(await store.LoadAsync(taskType, TrajectoryLimits.Default).ConfigureAwait(false), await store.UnfinishedAsync(taskType).ConfigureAwait(false), await store.AttemptsAsync(taskType).ConfigureAwait(false));

    private void Loading()
    {
        Receive<Loaded>(loaded =>
        {
            _state = _state.AddRange(Read(loaded.Envelopes));
            _attempts = loaded.Attempts;

            // Also when there are none: the parent waits for it.
            Context.Parent.Tell(new TrajectoryMessages.ExperienceChanged(_state.BestFirst, _state.Footprint + _attempts.Footprint));
            GoOn(loaded.Unfinished);
            JudgeSoon();
            Become(Running);
            Stash.UnstashAll();
        });
        Receive<Status.Failure>(failure => throw new InvalidOperationException($"The runs of {_taskType} could not be read.", failure.Cause));
        ReceiveAny(_ => Stash.Stash());
    }

    private List<KeptTrajectory> Read(IReadOnlyList<SignedEnvelope> envelopes)
    {
        var runs = new List<KeptTrajectory>(envelopes.Count);
        foreach (var envelope in envelopes)
        {
            Refusal? refusal = null;
            if ((_state.Find(envelope.Id) ?? KeptTrajectory.Read(envelope, _taskType, out refusal)) is { } run)
            {
                runs.Add(run);
            }
            else
            {
                _log.Warning("The kept run {0} is left out: {1}", envelope.Id, refusal!.Message);
            }
        }

        return runs;
    }

    private void Running()
    {
        Receive<TrajectoryCommands.Record>(OnRecord);
        Receive<SessionLooked>(OnSessionLooked);
        Receive<TrajectoryCommands.Query>(query =>
        {
            Settle();
            Sender.Tell(new TrajectoryMatches(TrajectoryWire.ToViews(TrajectoryRetrieval.Query(_state.BestFirst, query.Input, Math.Clamp(query.Limit, 1, MaxMatches)))));
        });
        Receive<TrajectoryMessages.RunsCame>(came => Arrived(came.Runs));
        Receive<Written>(OnWritten);
        Receive<SettleNow>(_ => Settle());
        Receive<TrajectoryMessages.Settle>(_ =>
        {
            Settle();
            Context.Parent.Tell(new TrajectoryMessages.Settled());
        });
        Receive<StopEntity>(_ =>
        {
            _stopping = true;
            StopWhenDone();
        });
        Finishing();
        Judging();
        Trusting();
    }

    private void OnRecord(TrajectoryCommands.Record command)
    {
        if (OwnRun.Make(command, [.. _state.BestFirst, .. _arrived], _attempts, _services.Identity.Keys, _services.Clock.Next(), _services.Time.GetUtcNow(), out var refusal) is not { } run)
        {
            Sender.Tell(refusal);
            return;
        }

        if (!run.Run.IsRepair)
        {
            // Before it is written, as the next run of the goal may come before that.
            _attempts = _attempts.With(run.Run.Goal, new Attempts(run.Run.Tries, run.Run.Successes));
        }

        var asked = new Recording(run, Sender, new RunOrigin(command.ContextId, command.SessionId is "" ? null : command.SessionId));
        if (asked.Origin.SessionId is not { } sessionId)
        {
            KeepOwn(asked);
            return;
        }

        _underWay++;

        // What a session was handed is credited with the run.
        LookForSessionAsync(sessionId).PipeTo(Self, Sender, missing => new SessionLooked(asked, missing));
    }

    private void OnSessionLooked(SessionLooked looked)
    {
        _underWay--;
        if (looked.Missing is { } missing)
        {
            CameToNothing(looked.Recording.Own.Run);
            Sender.Tell(missing);
        }
        else
        {
            KeepOwn(looked.Recording);
        }

        StopWhenDone();
    }

    private async Task<Refusal?> LookForSessionAsync(string sessionId)
    {
        if (!_registry.TryGet<ActorKeys.Sessions>(out var sessions))
        {
            return new Refusal(ErrorCodes.SessionNotFound, "This peer keeps no sessions; record the run without a sessionId.");
        }

        try
        {
            return await sessions.Ask<object>(new SessionCommands.Get(sessionId), SessionPatience).ConfigureAwait(false) as Refusal;
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, $"The session did not answer within {SessionPatience.TotalSeconds} seconds, so the run was not recorded; try again.");
        }
    }

    private void KeepOwn(Recording recording)
    {
        Context.Parent.Tell(new TrajectoryMessages.FollowWanted());
        _underWay++;

        // It counts once it is on disk.
        var own = recording.Own;
        _services.Store.RecordAsync(_taskType, own.Envelope, own.Run, recording.Origin, own.Body).PipeTo(Self, success: outcome => new Written(recording, outcome));
    }

    private void OnWritten(Written written)
    {
        _underWay--;
        var (recording, outcome) = (written.Recording, written.Outcome);
        if (outcome == KeepOutcome.Kept)
        {
            JudgeBy(recording.Own.Run);
            Arrived([recording.Own.Run]);
        }

        if (outcome is KeepOutcome.Kept or KeepOutcome.Known)
        {
            Context.Parent.Tell(new TrajectoryMessages.Publish(recording.Own.Envelope));
            Conclude(recording.Own.Run, recording.Origin, again: false);
        }
        else
        {
            CameToNothing(recording.Own.Run);
        }

        // Whoever is answered finds the run in whatever is asked next. Behind the other runs of the same commit.
        _answers.Add((recording.Caller, outcome switch
        {
            KeepOutcome.Busy => new Refusal(ErrorCodes.RateLimited, "Too many runs wait to be written; try again in a moment."),
            KeepOutcome.Failed => new Refusal(ErrorCodes.JournalFailed, "The run could not be stored and was not published; free some disk space and try again."),
            _ => new TrajectoryRecorded(recording.Own.Run.Id),
        }));
        if (_answers.Count == 1)
        {
            Self.Tell(SettleNow.Instance);
        }

        StopWhenDone();
    }

    private void CameToNothing(KeptTrajectory run)
    {
        if (!run.IsRepair)
        {
            _attempts = _attempts.Without(run.Goal, run.IsSuccess);
        }
    }

    private void StopWhenDone()
    {
        if (_stopping && _underWay == 0)
        {
            Settle();
            Context.Stop(Self);
        }
    }

    /// <summary>Runs that are on disk; they are ranked together with the next ones.</summary>
    private void Arrived(IReadOnlyList<KeptTrajectory> runs)
    {
        _arrived.AddRange(runs);
        if (_arrived.Count >= MaxArrived)
        {
            Settle();
        }
        else if (_arrived.Count > 0 && !Timers.IsTimerActive(nameof(SettleNow)))
        {
            Timers.StartSingleTimer(nameof(SettleNow), SettleNow.Instance, SettleInterval);
        }
    }

    /// <summary>Ranks what arrived, tells what is kept now, and answers who waits for it.</summary>
    private void Settle()
    {
        Timers.Cancel(nameof(SettleNow));
        var next = _state.AddRange(_arrived);
        _arrived.Clear();
        if (!ReferenceEquals(next, _state))
        {
            _state = next;
            Context.Parent.Tell(new TrajectoryMessages.ExperienceChanged(_state.BestFirst, _state.Footprint + _attempts.Footprint));
            JudgeSoon();
        }

        _answers.ForEach(waiting => waiting.Asker.Tell(waiting.Answer));
        _answers.Clear();
    }

    private sealed record Loaded(IReadOnlyList<SignedEnvelope> Envelopes, IReadOnlyList<UnfinishedRun> Unfinished, GoalAttempts Attempts);

    /// <summary>What became of an own run that was written.</summary>
    private sealed record Written(Recording Recording, KeepOutcome Outcome);

    /// <summary>An own run, who records it, and what it was handed.</summary>
    private sealed record Recording(OwnRun Own, IActorRef Caller, RunOrigin Origin);

    /// <summary>The answer of the sessions: nothing is missing when the run's session is one of this peer's.</summary>
    private sealed record SessionLooked(Recording Recording, Refusal? Missing);

    private sealed class SettleNow
    {
        public static SettleNow Instance { get; } = new();
    }
}
