using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// The playbook of one task type (persistent, a child of <see cref="TaskTypeActor"/>): takes in reflections, this peer's and
/// others', and the runs that are kept, and answers from <see cref="PlaybookCuratorState"/>.
/// </summary>
internal sealed class PlaybookCuratorActor : ReceivePersistentActor
{
    private const int EventsPerSnapshot = 200;
    private const int DefaultBullets = 8;
    private const int MaxExemplars = 3;
    private const int MaxExecutionLength = 64 * 1024;

    private readonly LearningServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private PlaybookCuratorState _state;

    public PlaybookCuratorActor(string taskType, LearningServices services)
    {
        _services = services;
        _state = PlaybookCuratorState.Empty(taskType, services.Trajectories.Identity.PeerId.ToString(), services.Reflector);
        PersistenceId = "learning-" + taskType + "-playbook";
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
        Recover<RecoveryCompleted>(_ => TellWhatToShare());

        Command<TrajectoryCommands.Reflect>(OnReflect);
        Command<TrajectoryCommands.GetPlaybook>(_ => Sender.Tell(new PlaybookView(taskType, _state.Bullets)));
        Command<TrajectoryCommands.GetContext>(OnGetContext);
        Command<TrajectoryMessages.ExperienceChanged>(changed => _state = _state.WithRuns(changed.BestFirst));
        Command<TaskTypeMessages.TakeIn>(message => Keep(message.Envelope, () => { }));
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
    }

    public override string PersistenceId { get; }

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

    private static Refusal JournalFailed() => new(ErrorCodes.JournalFailed, "The reflection could not be journalled and was not published; free some disk space and try again.");

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
        if (delta.Bullets.Count == 0)
        {
            Reply();
            return;
        }

        var envelope = SignedEnvelope.Seal(_services.Trajectories.Identity.Keys, EnvelopeTypes.PlaybookDelta, delta.ToByteArray(), _services.Trajectories.Clock.Next());
        Keep(envelope, () =>
        {
            Context.Parent.Tell(new TrajectoryMessages.Publish(envelope));
            Reply();
        });
    }

    private IReadOnlyList<BulletView> Named(IEnumerable<string> insights)
    {
        var ids = insights.Select(text => PlaybookRules.IdOf(_state.TaskType, PlaybookCuratorState.InsightSection, text)).ToHashSet(StringComparer.Ordinal);
        return [.. _state.AllBullets.Where(bullet => ids.Contains(bullet.Id))];
    }

    private void OnGetContext(TrajectoryCommands.GetContext question)
    {
        var bullets = _state.Bullets.Take(question.Limit <= 0 ? DefaultBullets : Math.Min(question.Limit, Playbook.MaxBullets));
        var exemplars = TrajectoryRetrieval.Exemplars(_state.Runs, question.Input, MaxExemplars);
        Sender.Tell(new LearningContext(_state.TaskType, [.. bullets], TrajectoryWire.ToViews(exemplars)));
    }

    /// <summary>Journals the envelope when it tells something new, then goes on.</summary>
    private void Keep(SignedEnvelope envelope, Action then)
    {
        if (ReferenceEquals(_state.Add(envelope, out _), _state))
        {
            then();
            return;
        }

        Persist(new EnvelopeKept { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes) }, e =>
        {
            Apply(e);
            TellWhatToShare();
            if (LastSequenceNr % EventsPerSnapshot == 0)
            {
                SaveSnapshot(_state.ToSnapshot());
            }

            then();
        });
    }

    private void Apply(EnvelopeKept e) => _state = _state.Add(LearningJournal.Open(e.Envelope), out _);

    private void TellWhatToShare() => Context.Parent.Tell(new TrajectoryMessages.ShareAlso(_state.Envelopes));
}
