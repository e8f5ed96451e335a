using Akka.Actor;
using Akka.Persistence;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// The playbook of one task type (persistent, a child of <see cref="TaskTypeActor"/>): takes in reflections, this peer's and
/// others', and the runs that are kept; has its own runs reflected on; prunes; and answers from <see cref="PlaybookCuratorState"/>.
/// What it learns by itself it signs, journals and has gossiped as a delta.
/// </summary>
internal sealed class PlaybookCuratorActor : JournaledActor, IWithTimers
{
    private const int EventsPerSnapshot = 200;
    private const int MaxExecutionLength = 64 * 1024;

    // Reading the whole playbook for every record that comes would cost more than the records do.
    private static readonly TimeSpan PruneInterval = TimeSpan.FromSeconds(2);

    private readonly LearningServices _services;
    private readonly IActorRef _reflector;
    private readonly SnapshotPace _pace = new(EventsPerSnapshot);
    private PlaybookCuratorState _state;
    private bool _hasRuns;
    private (PlaybookCuratorState State, long Trust, Playbook Playbook)? _read;

    public PlaybookCuratorActor(string taskType, LearningServices services, IActorRef reflector)
        : base("learning-" + taskType + "-playbook", Journals.Default)
    {
        _services = services;
        _reflector = reflector;
        _state = PlaybookCuratorState.Empty(taskType, services.Trajectories.Identity.PeerId.ToString(), services.Reflector);

        Recover<EnvelopeKept>(Apply);
        Recover<SnapshotOffer>(offer =>
        {
            var snapshot = (TaskTypeSnapshot)offer.Snapshot;
            _state = snapshot.Envelopes.Aggregate(_state, (state, envelope) => state.Add(LearningJournal.Open(envelope), out _)).WithReflected(snapshot.Reflected);
        });
        Recover<RecoveryCompleted>(_ => Changed());

        Command<TrajectoryCommands.Reflect>(OnReflect);
        Command<TrajectoryCommands.GetPlaybook>(_ => Sender.Tell(new PlaybookView(taskType, Read().Visible)));
        Command<TrajectoryMessages.ExperienceChanged>(changed =>
        {
            _state = _state.WithRuns(changed.BestFirst);
            if (!_hasRuns)
            {
                _hasRuns = true;
                PruneLater();
            }
        });
        Command<TaskTypeMessages.TakeIn>(OnTakeIn);
        Command<PlaybookMessages.RunFinished>(OnFinished);
        Command<PlaybookMessages.Reflected>(OnReflected);
        Command<PlaybookMessages.Prune>(_ => Say(_state.Playbook.Prune(taskType, Read()) is { } delta ? [delta] : [], () => { }));
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override bool KeepsEvents => false;

    protected override object Unwritten => new Refusal(ErrorCodes.JournalFailed, "The reflection could not be journalled and was not published; free some disk space and try again.");

    private void OnTakeIn(TaskTypeMessages.TakeIn message)
    {
        var (next, news) = (_state, new List<EnvelopeKept>());
        foreach (var envelope in message.Envelopes)
        {
            var before = next;
            next = before.Add(envelope, out _);
            if (!ReferenceEquals(next, before))
            {
                news.Add(new EnvelopeKept { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes) });
            }
        }

        if (news.Count == 0)
        {
            message.Answer(_state.Envelopes);
            return;
        }

        PersistAllFor(
            message.Asker ?? ActorRefs.Nobody, news,
            Apply,
            () =>
            {
                Changed();
                SnapshotSometimes();
                message.Answer(_state.Envelopes);
            });
    }

    private void OnReflect(TrajectoryCommands.Reflect command)
    {
        var insights = (command.Insights ?? []).Select(insight => Redaction.Apply(insight is { Length: <= PlaybookRules.MaxTextBytes } ? PlaybookRules.Spaced(insight) : "")).ToList();
        if (insights.Count is 0 or > PlaybookRules.MaxInsights || !insights.All(PlaybookRules.IsText))
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, $"Give 1 to {PlaybookRules.MaxInsights} insights, each a line of visible text (no control or invisible characters) of at most {PlaybookRules.MaxTextBytes} bytes."));
            return;
        }

        if (command.Execution?.Length > MaxExecutionLength)
        {
            Sender.Tell(new Refusal(ErrorCodes.TooLarge, $"The execution has more than {MaxExecutionLength} characters; give the trajectory's id instead."));
            return;
        }

        var effect = command.Success ? BulletEffect.Helpful : BulletEffect.Harmful;
        var reflection = new Reflection([], [.. insights.Select(text => new Insight(PlaybookSections.Insights, text, effect))]);
        Say(_state.Reflect(reflection, TrajectoryReference.In(command.Execution), Read()), () => Sender.Tell(new BulletsReflected(Named(insights))));
    }

    private List<BulletView> Named(IEnumerable<string> insights) =>
        [.. insights.Select(text => Read().Find(PlaybookRules.IdOf(_state.TaskType, PlaybookSections.Insights, text))).OfType<BulletView>().DistinctBy(bullet => bullet.Id)];

    private void OnReflected(PlaybookMessages.Reflected reflected)
    {
        var id = ContextState.ToBytes(reflected.TrajectoryId);
        Say(
            _state.HasReflected(id) ? [] : _state.Reflect(reflected.Reflection, reflected.TrajectoryId, Read()),
            () => Context.Parent.Tell(new TrajectoryMessages.OwnRunReflected(reflected.TrajectoryId)),
            id);
    }

    private void OnFinished(PlaybookMessages.RunFinished finished)
    {
        if (_state.HasReflected(ContextState.ToBytes(finished.Run.Id)))
        {
            Context.Parent.Tell(new TrajectoryMessages.OwnRunReflected(finished.Run.Id));
            return;
        }

        var playbook = Read();
        _reflector.Tell(new FinishedRun(_state.TaskType, finished.Run, [.. finished.BulletIds.Select(playbook.Find).OfType<BulletView>().DistinctBy(bullet => bullet.Id)]));
    }

    /// <summary>The playbook, read anew when something in it or somebody's weight has changed.</summary>
    private Playbook Read()
    {
        var version = _services.Trust?.Version ?? 0;
        if (_read is not { } read || read.State != _state || read.Trust != version)
        {
            var self = _state.Playbook.Self;
            var weights = _services.Trust is { } trust ? new AuthorWeights(self, trust.WeightOf, trust.EarnedBy) : AuthorWeights.Equal(self);
            _read = read = (_state, version, _state.Read(weights));
        }

        return read.Playbook;
    }

    /// <summary>
    /// Signs, journals and publishes this peer's deltas, then goes on. The last one completes the reflection on a run, if it
    /// comes from one. What this peer itself does not keep it does not ask others to keep.
    /// </summary>
    private void Say(IReadOnlyList<PlaybookDelta> deltas, Action then, ByteString? reflected = null)
    {
        var news = deltas
            .Select(delta => SignedEnvelope.Seal(_services.Trajectories.Identity.Keys, EnvelopeTypes.PlaybookDelta, delta.ToByteArray(), _services.Trajectories.Clock.Next()))
            .Where(envelope => !ReferenceEquals(_state.Add(envelope, out _), _state)).ToList();
        foreach (var envelope in news)
        {
            Keep(envelope, () => Context.Parent.Tell(new TrajectoryMessages.Publish(envelope)), ReferenceEquals(envelope, news[^1]) ? reflected : null);
        }

        // After what is being journalled, and at once when that is nothing.
        DeferAsync(deltas, _ => then());
    }

    /// <summary>Journals the envelope when it tells something new, then goes on.</summary>
    private void Keep(SignedEnvelope envelope, Action then, ByteString? reflected = null)
    {
        if (ReferenceEquals(_state.Add(envelope, out _), _state))
        {
            then();
            return;
        }

        Persist(new EnvelopeKept { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes), Reflected = reflected ?? ByteString.Empty }, e =>
        {
            Apply(e);
            Changed();
            SnapshotSometimes();

            then();
        });
    }

    private void SnapshotSometimes()
    {
        if (_pace.IsDue(_state.Envelopes.Sum(kept => (long)kept.Bytes.Length)))
        {
            SaveSnapshot(_state.ToSnapshot());
        }
    }

    private void Apply(EnvelopeKept e)
    {
        _pace.Wrote(e.Envelope.Length);
        _state = _state.Add(LearningJournal.Open(e.Envelope), out _);
        if (!e.Reflected.IsEmpty)
        {
            _state = _state.WithReflected(e.Reflected);
        }
    }

    private void Changed()
    {
        Context.Parent.Tell(new TrajectoryMessages.ShareAlso(_state.Envelopes));
        PruneLater();
    }

    // What runs show is not pruned, and without them nobody knows what they show.
    private void PruneLater()
    {
        if (_hasRuns && !Timers.IsTimerActive(nameof(PlaybookMessages.Prune)))
        {
            Timers.StartSingleTimer(nameof(PlaybookMessages.Prune), PlaybookMessages.Prune.Instance, PruneInterval);
        }
    }
}
