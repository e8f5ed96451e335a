using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// The runs of one task type: records this peer's own, takes in others', keeps them in <see cref="IExperienceStore"/> and
/// answers from the best of them (<see cref="TrajectoryState"/>). Catching up with neighbours is in the other half. The
/// parent owns the topic.
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
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<KeptTrajectory> _arrived = [];
    private readonly List<(IActorRef Asker, object Answer)> _answers = [];
    private TrajectoryState _state;
    private int _writing;
    private bool _stopping;

    public TrajectoryActor(string taskType, TrajectoryServices services, IReadOnlyActorRegistry registry)
    {
        _taskType = taskType;
        _services = services;
        _registry = registry;
        _state = TrajectoryState.Empty(services.Identity.PeerId.ToString(), TrajectoryLimits.Default);
        Loading();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public IStash Stash { get; set; } = null!;

    protected override void PreStart() =>
        LoadAsync(_services.Store, _taskType).PipeTo(Self);

    private static async Task<Loaded> LoadAsync(IExperienceStore store, string taskType) =>
        new(await store.LoadAsync(taskType, TrajectoryLimits.Default).ConfigureAwait(false), await store.UnfinishedAsync(taskType).ConfigureAwait(false));

    private void Loading()
    {
        Receive<Loaded>(loaded =>
        {
            foreach (var envelope in loaded.Envelopes)
            {
                if (KeptTrajectory.Read(envelope, _taskType, out var refusal) is { } run)
                {
                    _arrived.Add(run);
                }
                else
                {
                    _log.Warning("The kept run {0} is left out: {1}", envelope.Id, refusal!.Message);
                }
            }

            _state = _state.AddRange(_arrived);
            _arrived.Clear();

            // Also when there are none: the parent waits for it.
            Context.Parent.Tell(new TrajectoryMessages.ExperienceChanged(_state.BestFirst));
            GoOn(loaded.Unfinished);
            JudgeSoon();
            Become(Running);
            Stash.UnstashAll();
        });
        Receive<Status.Failure>(failure => throw new InvalidOperationException($"The runs of {_taskType} could not be read.", failure.Cause));
        ReceiveAny(_ => Stash.Stash());
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
        Receive<TrajectoryCommands.Get>(get => GetAsync(get, _stopped.Token).PipeTo(Sender, failure: e => new Refusal(ErrorCodes.JournalFailed, $"The run could not be read: {e.Message}")));
        Receive<TrajectoryMessages.TakeIn>(message =>
        {
            if (KeptTrajectory.Read(message.Envelope, _taskType, out _) is { } run)
            {
                Keep(run, null);
            }
        });
        Receive<Written>(OnWritten);
        Receive<SettleNow>(_ => Settle());
        Receive<StopEntity>(_ =>
        {
            _stopping = true;
            StopWhenWritten();
        });
        CatchingUp();
        Finishing();
        Judging();
    }

    private void OnRecord(TrajectoryCommands.Record command)
    {
        var now = _services.Time.GetUtcNow();
        var whole = TrajectoryWire.FromRecord(command, now, out var refusal);
        refusal ??= TrajectoryRules.CheckSize(whole!.CalculateSize());
        Trajectory? run = null;
        RunBody? body = null;
        if (refusal is null)
        {
            (run, body) = CompactRecord.Of(whole!);
            CountTries(run);
        }

        var envelope = refusal is null ? SignedEnvelope.Seal(_services.Identity.Keys, EnvelopeTypes.Trajectory, run!.ToByteArray(), _services.Clock.Next()) : null;
        var kept = refusal is null ? KeptTrajectory.Read(envelope!, _taskType, out refusal) : null;
        if (kept is null)
        {
            Sender.Tell(refusal);
            return;
        }

        if (kept.Repairs is { } repaired && !(_state.Find(repaired) is { IsFailure: true } failed && failed.Goal == kept.Goal))
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, "'repairs' names no failed run of the same input that this peer keeps; record the run without it."));
            return;
        }

        var asker = new Asker(Sender, command.ContextId, body);
        if (run!.SessionId.Length == 0)
        {
            KeepOwn(kept, asker);
            return;
        }

        // What is signed and gossiped of a session must be true, and only this peer can tell.
        LookForSessionAsync(run.SessionId).PipeTo(Self, Sender, missing => new SessionLooked(kept, asker, missing));
    }

    /// <summary>Which try at its goal it is, and how many went well, as far as this peer's kept runs tell.</summary>
    private void CountTries(Trajectory run)
    {
        var goal = Terms.GoalOf(Terms.Of(run.Input));
        var self = _services.Identity.PeerId.ToString();
        var last = _state.BestFirst.Concat(_arrived).Where(kept => kept.Author == self && kept.Goal == goal).MaxBy(kept => kept.Run.Tries)?.Run;
        run.Tries = Math.Min(TrajectoryRules.MaxTries, (last?.Tries ?? 0) + 1);
        run.Successes = Math.Min(run.Tries, (last?.Successes ?? 0) + (run.Reward >= KeptTrajectory.SuccessReward ? 1U : 0));
    }

    private void OnSessionLooked(SessionLooked looked)
    {
        if (looked.Missing is { } missing)
        {
            Sender.Tell(missing);
            return;
        }

        KeepOwn(looked.Run, looked.Asker);
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

    private void KeepOwn(KeptTrajectory run, Asker asker)
    {
        Context.Parent.Tell(new TrajectoryMessages.FollowWanted());
        Keep(run, asker);
    }

    /// <summary>Writes a run; it counts once it is on disk.</summary>
    private void Keep(KeptTrajectory run, Asker? asker)
    {
        _writing++;
        var written = asker is null ? _services.Store.KeepAsync(_taskType, run) : _services.Store.RecordAsync(_taskType, run, asker.ContextId, asker.Body);
        written.PipeTo(Self, success: outcome => new Written(run, outcome, asker));
    }

    private void OnWritten(Written written)
    {
        _writing--;
        if (written.Outcome == KeepOutcome.Kept)
        {
            Arrived([written.Run]);
        }

        if (written.Asker is { } asker)
        {
            if (written.Outcome is KeepOutcome.Kept or KeepOutcome.Known)
            {
                Context.Parent.Tell(new TrajectoryMessages.Publish(written.Run.Envelope));
                Conclude(written.Run, asker.ContextId, again: false);
            }

            // Whoever is answered finds the run in whatever is asked next. Behind the other runs of the same commit.
            _answers.Add((asker.Caller, written.Outcome switch
            {
                KeepOutcome.Busy => new Refusal(ErrorCodes.RateLimited, "Too many runs wait to be written; try again in a moment."),
                KeepOutcome.Failed => new Refusal(ErrorCodes.JournalFailed, "The run could not be stored and was not published; free some disk space and try again."),
                _ => new TrajectoryRecorded(written.Run.Id),
            }));
            if (_answers.Count == 1)
            {
                Self.Tell(SettleNow.Instance);
            }
        }

        StopWhenWritten();
    }

    private void StopWhenWritten()
    {
        if (_stopping && _writing == 0)
        {
            Settle();
            Context.Stop(Self);
        }
    }

    /// <summary>Runs that are on disk; they are ranked together with the next ones.</summary>
    private void Arrived(IReadOnlyList<KeptTrajectory> runs)
    {
        _ids = null;
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
            Context.Parent.Tell(new TrajectoryMessages.ExperienceChanged(_state.BestFirst));
            JudgeSoon();
        }

        _answers.ForEach(waiting => waiting.Asker.Tell(waiting.Answer));
        _answers.Clear();
    }

    private sealed record Loaded(IReadOnlyList<SignedEnvelope> Envelopes, IReadOnlyList<UnfinishedRun> Unfinished);

    /// <summary>What became of a run that was written; the asker is null for another peer's.</summary>
    private sealed record Written(KeptTrajectory Run, KeepOutcome Outcome, Asker? Asker);

    /// <summary>Who records an own run, with which context, and the whole of it when the record is shortened.</summary>
    private sealed record Asker(IActorRef Caller, string? ContextId, RunBody? Body);

    /// <summary>The answer of the sessions: no refusal when the run's session is one of this peer's.</summary>
    private sealed record SessionLooked(KeptTrajectory Run, Asker Asker, Refusal? Missing);

    private sealed class SettleNow
    {
        public static SettleNow Instance { get; } = new();
    }
}
