using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Transport;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// What this peer knows of one task type (sharded, persistent): records runs and reflections, signs, journals and
/// gossips them; takes in what others gossip; answers from <see cref="TaskTypeState"/>. Following is in the other half.
/// </summary>
internal sealed partial class TaskTypeActor : ReceivePersistentActor, IWithTimers
{
    private const int EventsPerSnapshot = 200;
    private const int MaxMatches = 100;
    private const int DefaultBullets = 8;
    private const int MaxExemplars = 3;
    private const int MaxExecutionLength = 64 * 1024;

    /// <summary>Most bytes of runs in one reply; the reply may cross between processes.</summary>
    private const int MaxReplyBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan SessionPatience = TimeSpan.FromSeconds(5);

    private readonly string _topic;
    private readonly LearningServices _services;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly AuthorRate _rate = new(perWindow: 120, window: TimeSpan.FromMinutes(1), maxAuthors: 4_096);
    private TaskTypeState _state;

    public TaskTypeActor(string taskType, LearningServices services, IReadOnlyActorRegistry registry)
    {
        _topic = Topics.Trajectories(taskType);
        _services = services;
        _registry = registry;
        _state = TaskTypeState.Empty(taskType, services.Identity.PeerId.ToString(), services.Reflector);
        PersistenceId = "learning-" + taskType + "-runs";
        JournalPluginId = Journals.Default;
        SnapshotPluginId = Journals.DefaultSnapshots;

        Recover<EnvelopeKept>(Apply);
        Recover<SnapshotOffer>(offer =>
        {
            foreach (var envelope in ((TaskTypeSnapshot)offer.Snapshot).Envelopes)
            {
                _state = _state.Add(LearningJournal.Open(envelope), out _);
            }
        });
        Recover<RecoveryCompleted>(_ => AskWhetherFollowed());

        Command<TrajectoryCommands.Record>(OnRecord);
        Command<SessionLooked>(OnSessionLooked);
        Command<TrajectoryCommands.Reflect>(OnReflect);
        Command<TrajectoryCommands.Query>(query => Sender.Tell(new TrajectoryMatches(Views(TrajectoryRetrieval.Query(_state.Trajectories, query.Input, Math.Clamp(query.Limit, 1, MaxMatches))))));
        Command<TrajectoryCommands.GetPlaybook>(_ => Sender.Tell(new PlaybookView(taskType, _state.Bullets)));
        Command<TaskTypeMessages.Share>(share => Sender.Tell(new TaskTypeMessages.Shared(_state.Share(Math.Clamp(share.MaxEnvelopes, 0, NeighbourTrajectories.MaxEnvelopes), NeighbourTrajectories.MaxAnswerBytes))));
        Command<GossipReceived>(OnGossip);
        Command<GossipPublished>(_ => { });
        Command<GossipSubscribed>(_ => { });
        Command<Refusal>(refusal => _log.Warning("Gossip refused a message on {0}: {1}", _topic, refusal.Message));
        Command<SaveSnapshotSuccess>(saved =>
        {
            DeleteMessages(saved.Metadata.SequenceNr);
            DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
        });
        Command<SaveSnapshotFailure>(failed => _log.Warning(failed.Cause, "The snapshot of {0} was not saved; recovery will take longer.", PersistenceId));
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(failed => _log.Warning(failed.Cause, "Old events of {0} were not deleted.", PersistenceId));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failed => _log.Warning(failed.Cause, "Old snapshots of {0} were not deleted.", PersistenceId));
        Command<StopEntity>(_ => Context.Stop(Self));
        CommandsOfFollowing();
    }

    public override string PersistenceId { get; }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Sender.Tell(JournalFailed());
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        Sender.Tell(JournalFailed());
    }

    private static Refusal JournalFailed() => new(ErrorCodes.JournalFailed, "The run could not be journalled and was not published; free some disk space and try again.");

    private void OnRecord(TrajectoryCommands.Record command)
    {
        var now = _services.Time.GetUtcNow();
        var run = TrajectoryWire.FromRecord(command, now, out var refusal);
        refusal ??= TrajectoryRules.CheckSize(run!.CalculateSize());
        var envelope = refusal is null ? Seal(EnvelopeTypes.Trajectory, run!) : null;
        refusal ??= TrajectoryRules.CheckSize(envelope!.Bytes.Length);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
            return;
        }

        if (run!.SessionId.Length == 0)
        {
            KeepRun(envelope!);
            return;
        }

        // What is signed and gossiped of a session must be true, and only this peer can tell.
        LookForSessionAsync(run.SessionId).PipeTo(Self, Sender, missing => new SessionLooked(envelope!, missing));
    }

    private void OnSessionLooked(SessionLooked looked)
    {
        if (looked.Missing is { } missing)
        {
            Sender.Tell(missing);
            return;
        }

        KeepRun(looked.Envelope);
    }

    private void KeepRun(SignedEnvelope envelope)
    {
        Follow();
        Keep(envelope, () =>
        {
            Publish(envelope);
            Sender.Tell(new TrajectoryRecorded(envelope.Id));
        });
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

    private void OnReflect(TrajectoryCommands.Reflect command)
    {
        var insights = (command.Insights ?? []).Select(insight => Redaction.Apply(insight is { Length: <= PlaybookRules.MaxTextBytes } ? insight.Trim() : "")).ToList();
        if (insights.Count is 0 or > PlaybookRules.MaxBulletsPerDelta || !insights.All(PlaybookRules.IsText))
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, $"Give 1 to {PlaybookRules.MaxBulletsPerDelta} insights, each a line of text of at most {PlaybookRules.MaxTextBytes} bytes."));
            return;
        }

        if (command.Execution?.Length > MaxExecutionLength)
        {
            Sender.Tell(new Refusal(ErrorCodes.TooLarge, $"The execution has more than {MaxExecutionLength} characters; give the trajectory's id instead."));
            return;
        }

        var delta = _state.Reflect(insights, command.Success, TrajectoryReference.In(command.Execution));
        void Reply() => Sender.Tell(new BulletsReflected(Named(insights)));
        if (delta.Count == 0)
        {
            Reply();
            return;
        }

        var envelope = Seal(EnvelopeTypes.PlaybookDelta, delta[0]);
        Keep(envelope, () =>
        {
            Publish(envelope);
            Reply();
        });
    }

    private IReadOnlyList<BulletView> Named(IEnumerable<string> insights)
    {
        var ids = insights.Select(text => PlaybookRules.IdOf(_state.TaskType, TaskTypeState.InsightSection, text)).ToHashSet(StringComparer.Ordinal);
        return [.. _state.AllBullets.Where(bullet => bullet.Members.Any(ids.Contains)).Select(bullet => bullet.View)];
    }

    private void OnGossip(GossipReceived message)
    {
        var now = _services.Time.GetUtcNow();
        if (message.Topic != _topic || !TrajectoryTopicValidator.Validate(message.Topic, message.Data, now, out _))
        {
            // The topic's validator refuses these at the door and holds them against the forwarder.
            _log.Debug("Dropped a message of {0} on {1}.", message.From, message.Topic);
            return;
        }

        var envelope = SignedEnvelope.Open(message.Data, now, out _)!;
        if (_rate.Allows(envelope.Author.ToString(), now))
        {
            Keep(envelope, () => { });
        }
    }

    /// <summary>Journals the envelope when it tells something new, then goes on.</summary>
    private void Keep(SignedEnvelope envelope, Action then)
    {
        if (ReferenceEquals(_state.Add(envelope, out _), _state))
        {
            then();
            return;
        }

        Persist(EventOf(envelope), e =>
        {
            ApplyAndSnapshot(e);
            then();
        });
    }

    private void ApplyAndSnapshot(EnvelopeKept e)
    {
        Apply(e);
        if (LastSequenceNr % EventsPerSnapshot == 0)
        {
            SaveSnapshot(_state.ToSnapshot());
        }
    }

    private void Apply(EnvelopeKept e) => _state = _state.Add(LearningJournal.Open(e.Envelope), out _);

    private static EnvelopeKept EventOf(SignedEnvelope envelope) => new() { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes) };

    private SignedEnvelope Seal(string type, IMessage payload) =>
        SignedEnvelope.Seal(_services.Identity.Keys, type, payload.ToByteArray(), _services.Clock.Next());

    private void Publish(SignedEnvelope envelope) =>
        _registry.Get<ActorKeys.Gossip>().Tell(new GossipCommands.Publish(_topic, envelope.Bytes.ToArray()));

    private static IReadOnlyList<TrajectoryView> Views(IEnumerable<KeptTrajectory> runs)
    {
        var bytes = 0;
        return [.. runs.TakeWhile(run => (bytes += run.Envelope.Bytes.Length) <= MaxReplyBytes).Select(TrajectoryWire.ToView)];
    }

    /// <summary>The answer of the sessions: no refusal when the run's session is one of this peer's.</summary>
    private sealed record SessionLooked(SignedEnvelope Envelope, Refusal? Missing);
}
