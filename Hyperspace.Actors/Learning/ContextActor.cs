using System.Security.Cryptography;
using System.Text;
using Akka.Actor;
using Akka.Persistence;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// The contexts of one task type (persistent, a child of <see cref="TaskTypeActor"/>): chooses bullets and exemplars for a
/// run, remembers what it handed out, and credits exactly that with the run's outcome: bullets through the playbook,
/// exemplars in counters of its own, which it signs and has gossiped.
/// </summary>
internal sealed class ContextActor : JournaledActor, IWithTimers
{
    private const int EventsPerSnapshot = 200;
    private const int DefaultBullets = 8;

    private static readonly TimeSpan PlaybookPatience = TimeSpan.FromSeconds(5);

    // Counters change with every run; they are signed together.
    private static readonly TimeSpan SignInterval = TimeSpan.FromSeconds(2);

    private readonly LearningServices _services;
    private readonly IActorRef _runs;
    private readonly IActorRef _playbook;
    private readonly string _self;
    private IReadOnlyList<KeptTrajectory> _bestFirst = [];
    private readonly List<string> _reflected = [];
    private long _uncounted;
    private ContextState _state;
    private int _gathering;
    private bool _stopping;

    public ContextActor(string taskType, LearningServices services, IActorRef runs, IActorRef playbook)
        : base("learning-" + taskType + "-contexts", Journals.Default)
    {
        _services = services;
        _runs = runs;
        _playbook = playbook;
        _self = services.Trajectories.Identity.PeerId.ToString();
        _state = ContextState.Empty(taskType, _self);

        Recover<ContextHanded>(e => _state = _state.Apply(e));
        Recover<RunEnded>(e => _state = _state.Apply(e));
        Recover<ExemplarsCounted>(e => _state = _state.Apply(e));
        Recover<EnvelopeKept>(e => _state = _state.Add(LearningJournal.Open(e.Envelope)));
        Recover<SnapshotOffer>(offer => _state = ContextState.From((ContextSnapshot)offer.Snapshot, taskType, _self));
        Recover<RecoveryCompleted>(_ =>
        {
            TellWhatToShare();
            SignLater();
        });

        Command<TrajectoryMessages.ExperienceChanged>(changed => _bestFirst = changed.BestFirst);
        Command<TrajectoryCommands.GetContext>(question =>
        {
            _gathering++;
            _playbook.Ask<PlaybookView>(new TrajectoryCommands.GetPlaybook(taskType), PlaybookPatience).PipeTo(Self, Sender, view => new Gathered(question, view), _ => new Gathered(question, null));
        });
        Command<Gathered>(OnGathered);
        Command<TrajectoryCommands.Record>(OnRecord);
        Command<TrajectoryCommands.Curriculum>(ask => Sender.Tell(new CurriculumView(taskType, Curriculum.Of(_bestFirst, WeightOf, ask.Limit))));
        Command<TrajectoryMessages.OwnRunKept>(OnOwnRunKept);
        Command<TrajectoryMessages.OwnRunReflected>(reflected =>
        {
            // Goes into the journal with the next run: until then it costs memory, no more.
            if (_state.BulletsOf(reflected.TrajectoryId) is not null)
            {
                _reflected.Add(reflected.TrajectoryId);
            }
        });
        Command<TaskTypeMessages.TakeIn>(OnTakeIn);
        Command<Sign>(_ => OnSign());
        Command<CountNow>(_ => CountOwn(null));
        Command<TrajectoryMessages.StopRuns>(_ => runs.Tell(StopEntity.Instance));
        Command<StopEntity>(_ => OnStop());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override bool KeepsEvents => false;

    protected override object Unwritten => new Refusal(ErrorCodes.JournalFailed, "What was handed out could not be journalled; free some disk space and try again.");

    /// <summary>Stops once nobody waits for a context and everything is counted.</summary>
    private void OnStop()
    {
        _stopping = true;
        if (_uncounted > 0)
        {
            CountOwn(null);

            // Comes behind what is journalled.
            Self.Tell(StopEntity.Instance);
        }
        else if (_gathering == 0)
        {
            Context.Stop(Self);
        }
    }

    private double WeightOf(string author) => author == _self ? 1 : _services.Trust?.WeightOf(author) ?? 1;

    private void OnGathered(Gathered gathered)
    {
        _gathering--;
        if (_stopping)
        {
            // Comes behind what is journalled below.
            Self.Tell(StopEntity.Instance);
        }

        if (gathered.Playbook is null)
        {
            Sender.Tell(new Refusal(ErrorCodes.Timeout, $"The playbook did not answer within {PlaybookPatience.TotalSeconds} seconds; try again."));
            return;
        }

        var (question, versions) = (gathered.Question, _state.Versions);
        var settled = versions.UsesSettled(_state.Handed);
        var maxBullets = question.Limit <= 0 ? DefaultBullets : Math.Min(question.Limit, Playbook.MaxBullets);
        var exemplars = ExemplarChoice.Rank(_bestFirst, question.Input, Value(), run => versions.Allows(run.Id, settled));
        var fitted = ContextFit.Fit(gathered.Playbook.Bullets, exemplars, maxBullets, question.TokenBudget, TokenCounter.Count);
        var views = TrajectoryWire.ToViews(fitted.Exemplars);
        var now = _services.Trajectories.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var handed = new ContextHanded
        {
            ContextId = NextId(now),
            SessionId = question.SessionId ?? "",
            BulletIds = { fitted.Bullets.Select(bullet => bullet.Id) },
            Exemplars = { views.Select(view => ContextState.ToBytes(view.TrajectoryId)) },
            Version = versions.Version,
            Settled = settled,
            HandedMs = (ulong)now,
        };
        Persist(handed, e =>
        {
            _state = _state.Apply(e);
            SnapshotSometimes();
            Sender.Tell(new LearningContext(_state.TaskType, fitted.Bullets, views) { ContextId = e.ContextId, Tokens = fitted.Tokens });
        });
    }

    private ExemplarValue Value() => new(_self, _state.Credits, WeightOf, _state.Counters);

    private string NextId(long now) => "ctx_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{_self}\n{_state.TaskType}\n{_state.Handed}\n{now}")), 0, 8);

    /// <summary>A run that names a context is recorded when there is one to credit.</summary>
    private void OnRecord(TrajectoryCommands.Record command)
    {
        if (_state.Check(command.ContextId ?? "") is { } refusal)
        {
            Sender.Tell(refusal);
        }
        else
        {
            _runs.Forward(command);
        }
    }

    private void OnOwnRunKept(TrajectoryMessages.OwnRunKept kept)
    {
        // A run that is told again ends nothing again.
        if (_state.BulletsOf(kept.Run.Id) is not null || _state.End(kept.Run, kept.Origin) is not { } ended)
        {
            Finish();
            return;
        }

        ended.Reflected.AddRange(_reflected.Select(ContextState.ToBytes));
        _reflected.Clear();
        Persist(ended, e =>
        {
            _state = _state.Apply(e);
            SnapshotSometimes();
            SignLater();
            Finish();
        });

        void Finish()
        {
            _playbook.Tell(new PlaybookMessages.RunFinished(kept.Run, _state.BulletsOf(kept.Run.Id) ?? []));
            if (!kept.Again)
            {
                Count(kept.Run);
            }
        }
    }

    /// <summary>A checkpoint is taken at once; else the count is journalled with the next ones. What a crash forgets of it only puts the checkpoint off.</summary>
    private void Count(KeptTrajectory run)
    {
        if (!run.IsExemplar)
        {
            return;
        }

        _uncounted++;
        if (_state.IsCheckpoint(_uncounted))
        {
            CountOwn(run);
        }
        else if (!Timers.IsTimerActive(nameof(CountNow)))
        {
            Timers.StartSingleTimer(nameof(CountNow), CountNow.Instance, SignInterval);
        }
    }

    private void CountOwn(KeptTrajectory? newest)
    {
        var counted = _state.Count(_uncounted, () => Growing(newest));
        _uncounted = 0;
        Persist(counted, e =>
        {
            _state = _state.Apply(e);
            SnapshotSometimes();
        });
    }

    /// <summary>The exemplars as they are now, with one that may not be told among the kept ones yet: every goal's best first.</summary>
    private IEnumerable<string> Growing(KeptTrajectory? newest)
    {
        IReadOnlyList<KeptTrajectory> runs = newest is null || _bestFirst.Any(run => run.Id == newest.Id) ? _bestFirst : [.. _bestFirst.Append(newest).Order(KeptTrajectory.BestFirst)];
        return ExemplarChoice.Rank(runs, null, Value(), _ => true).Select(exemplar => exemplar.Run.Id);
    }

    private void SignLater()
    {
        if (!Timers.IsTimerActive(nameof(Sign)) && _state.Unsigned().Any())
        {
            Timers.StartSingleTimer(nameof(Sign), Sign.Instance, SignInterval);
        }
    }

    private void OnSign()
    {
        foreach (var credits in _state.Unsigned())
        {
            var envelope = SignedEnvelope.Seal(_services.Trajectories.Identity.Keys, EnvelopeTypes.ExemplarCredits, credits.ToByteArray(), _services.Trajectories.Clock.Next());
            Keep(envelope, () => Context.Parent.Tell(new TrajectoryMessages.Publish(envelope)));
        }
    }

    private void OnTakeIn(TaskTypeMessages.TakeIn message)
    {
        var (next, news) = (_state, new List<EnvelopeKept>());
        foreach (var envelope in message.Envelopes)
        {
            var before = next;
            next = before.Add(envelope);
            if (!ReferenceEquals(next, before))
            {
                news.Add(new EnvelopeKept { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes) });
            }
        }

        if (news.Count == 0)
        {
            message.Answer(_state.Credits.Envelopes);
            return;
        }

        PersistAllFor(
            message.Asker ?? ActorRefs.Nobody, news,
            e =>
            {
                _state = _state.Add(LearningJournal.Open(e.Envelope));
                SnapshotSometimes();
            },
            () =>
            {
                TellWhatToShare();
                message.Answer(_state.Credits.Envelopes);
            });
    }

    /// <summary>Journals the envelope when it tells something new, then goes on.</summary>
    private void Keep(SignedEnvelope envelope, Action then)
    {
        if (ReferenceEquals(_state.Add(envelope), _state))
        {
            return;
        }

        Persist(new EnvelopeKept { Envelope = UnsafeByteOperations.UnsafeWrap(envelope.Bytes) }, e =>
        {
            _state = _state.Add(LearningJournal.Open(e.Envelope));
            SnapshotSometimes();
            TellWhatToShare();
            then();
        });
    }

    private void SnapshotSometimes() => SaveSnapshotEvery(EventsPerSnapshot, _state.ToSnapshot);

    private void TellWhatToShare() => Context.Parent.Tell(new TrajectoryMessages.ShareAlso([.. _state.Credits.Envelopes]));

    /// <summary>A question with the playbook to answer it from; null when that did not answer.</summary>
    private sealed record Gathered(TrajectoryCommands.GetContext Question, PlaybookView? Playbook);

    private sealed class CountNow
    {
        public static CountNow Instance { get; } = new();
    }

    private sealed class Sign
    {
        public static Sign Instance { get; } = new();
    }
}
