using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// What was handed out for runs of one task type, and what came of it: contexts that wait for an outcome, own counters of
/// exemplars, what others count, and the versions of the exemplars. Immutable; a context is credited once.
/// </summary>
internal sealed record ContextState
{
    /// <summary>Most contexts that wait for an outcome, the oldest ones give way; and most ended ones that are told from unknown ones.</summary>
    public const int MaxContexts = 1_024;

    /// <summary>The task type.</summary>
    public required string TaskType { get; init; }

    /// <summary>What peers, this one included, have signed of exemplars.</summary>
    public required CreditState Credits { get; init; }

    /// <summary>Contexts so far.</summary>
    public long Handed { get; init; }

    /// <summary>The sets of exemplars.</summary>
    public ExemplarVersions Versions { get; init; } = ExemplarVersions.None;

    /// <summary>This peer's own counters, by trajectory id.</summary>
    public ImmutableSortedDictionary<string, Credit> Counters { get; init; } = ImmutableSortedDictionary.Create<string, Credit>(StringComparer.Ordinal);

    // Oldest first, both; ids are unique.
    private ImmutableList<ContextHanded> Open { get; init; } = [];

    private ImmutableList<string> Closed { get; init; } = [];

    private ImmutableList<UnreflectedRun> Unreflected { get; init; } = [];

    /// <summary>Nothing handed out yet.</summary>
    public static ContextState Empty(string taskType, string self) => new() { TaskType = taskType, Credits = CreditState.Empty(self, CreditLimits.Default) };

    /// <summary>Null when an outcome may be credited to the context; else why not.</summary>
    public Refusal? Check(string contextId) =>
        Open.Exists(context => context.ContextId == contextId) ? null
        : Closed.Contains(contextId) ? new Refusal(ErrorCodes.InvalidParams, "The context was credited with an outcome before; ask learning.context for a new one, or record the run without contextId.")
        : new Refusal(ErrorCodes.InvalidParams, $"No such context waits for an outcome in {TaskType}; give the contextId that learning.context answered for this task type, or record the run without it.");

    /// <summary>
    /// The contexts that a run ends, oldest first: the one that it names; else those of its session that were handed out by the time it
    /// was recorded. A run may be told again after its session was handed another context, which is for the run after it.
    /// </summary>
    private ImmutableList<ContextHanded> EndedBy(string? contextId, string sessionId, ulong recordedMs) =>
        contextId is not null ? Open.FindAll(context => context.ContextId == contextId)
        : sessionId.Length > 0 ? Open.FindAll(context => context.SessionId == sessionId && context.HandedMs <= recordedMs)
        : [];

    /// <summary>The bullets that were handed out for a run that ended its contexts before, until it is reflected on; null for any other run.</summary>
    public IReadOnlyList<string>? BulletsOf(string trajectoryId) => Unreflected.Find(run => run.TrajectoryId == ToBytes(trajectoryId))?.BulletIds;

    /// <summary>The event of a run; null when it ends no context.</summary>
    public RunEnded? End(KeptTrajectory run, RunOrigin origin)
    {
        var signed = run.Parse();

        // Runs have said their session themselves, and may be unfinished from then.
        var contexts = EndedBy(origin.ContextId, origin.SessionId ?? signed.SessionId, signed.RecordedMs);
        return contexts.Count == 0 ? null : new RunEnded
        {
            TrajectoryId = ToBytes(run.Id),
            ContextIds = { contexts.Select(context => context.ContextId) },
            Outcome = run.IsRepair ? Outcome.Repair : run.IsSuccess ? Outcome.Success : run.IsFailure ? Outcome.Failure : Outcome.Neither,
        };
    }

    /// <summary>True when that many more own exemplars reach a checkpoint.</summary>
    public bool IsCheckpoint(long more) => Versions.Own + more >= Versions.NextCheckpoint;

    /// <summary>The event of <paramref name="more"/> own exemplars; at a checkpoint with <paramref name="growing"/>, the exemplars as they are, best first.</summary>
    public ExemplarsCounted Count(long more, Func<IEnumerable<string>> growing)
    {
        var counted = new ExemplarsCounted { Own = Versions.Own + more };
        if (IsCheckpoint(more))
        {
            counted.Growing.AddRange(growing().Take(ExemplarVersions.MaxExemplars * 2).Select(ToBytes));
        }

        return counted;
    }

    /// <summary>The state after a context was handed out.</summary>
    public ContextState Apply(ContextHanded e)
    {
        var open = Open.Add(e);
        return this with { Handed = Handed + 1, Open = open.Count > MaxContexts ? open.RemoveAt(0) : open };
    }

    /// <summary>The state after an own run was recorded.</summary>
    public ContextState Apply(RunEnded e)
    {
        var ids = e.ContextIds.ToHashSet(StringComparer.Ordinal);
        var ended = Open.FindAll(context => ids.Contains(context.ContextId));
        var closed = Closed.AddRange(ended.Select(context => context.ContextId));
        var state = this with
        {
            Open = ended.IsEmpty ? Open : Open.RemoveAll(context => ids.Contains(context.ContextId)),
            Closed = closed.Count > MaxContexts ? closed.RemoveRange(0, closed.Count - MaxContexts) : closed,
            Unreflected = UnreflectedAfter(e, ended),
        };
        if (e.Outcome == Outcome.Repair)
        {
            return state;
        }

        var success = e.Outcome == Outcome.Success;
        var counters = Counters;
        foreach (var shown in ended.SelectMany(context => context.Exemplars).GroupBy(ToId, StringComparer.Ordinal))
        {
            counters = counters.SetItem(shown.Key, counters.GetValueOrDefault(shown.Key).After((ulong)shown.Count(), success));
        }

        if (counters.Count > CreditLimits.Default.Own)
        {
            counters = counters.RemoveRange(counters.OrderBy(counter => counter.Value.Retrieved).ThenBy(counter => counter.Key, StringComparer.Ordinal).Take(counters.Count - CreditLimits.Default.Own).Select(counter => counter.Key));
        }

        var versions = ended.Aggregate(Versions, (known, context) => known.Ended(context.Version, context.Settled, success));
        return state with { Counters = counters, Versions = e.Growing.Count > 0 ? versions.Checkpoint(e.Growing.Select(ToId)) : versions };
    }

    /// <summary>The state after own exemplars were counted. Without any exemplar to hold there is no version to take: the next count takes it.</summary>
    public ContextState Apply(ExemplarsCounted e)
    {
        var versions = Versions.Counted(e.Own);
        return this with { Versions = e.Growing.Count > 0 ? versions.Checkpoint(e.Growing.Select(ToId)) : versions };
    }

    private ImmutableList<UnreflectedRun> UnreflectedAfter(RunEnded e, IReadOnlyList<ContextHanded> ended)
    {
        var run = new UnreflectedRun { TrajectoryId = e.TrajectoryId };
        if (e.Outcome != Outcome.Repair)
        {
            run.BulletIds.AddRange(ended.SelectMany(context => context.BulletIds).Distinct(StringComparer.Ordinal));
        }

        var runs = (e.Reflected.Count == 0 ? Unreflected : Unreflected.RemoveAll(known => e.Reflected.Contains(known.TrajectoryId))).Add(run);
        return runs.Count > MaxContexts ? runs.RemoveAt(0) : runs;
    }

    /// <summary>The state with what an opened envelope tells of exemplars; this very state when that is nothing new.</summary>
    public ContextState Add(SignedEnvelope envelope)
    {
        var credits = (CreditRecord.Read(envelope, TaskType, out _) ?? []).Aggregate(Credits, (state, record) => state.Merge(record));
        return ReferenceEquals(credits, Credits) ? this : this with { Credits = credits };
    }

    /// <summary>Own counters that this peer has not signed yet, in parts that fit an envelope.</summary>
    public IEnumerable<ExemplarCredits> Unsigned() => Counters
        .Where(counter => Credits.Own(counter.Key) is not { } signed || new Credit(signed.Retrieved, signed.Succeeded) != counter.Value)
        .Chunk(CreditRecord.MaxPerEnvelope).Select(chunk => CreditRecord.ToWire(TaskType, chunk));

    /// <summary>Everything; equal states give equal bytes.</summary>
    public ContextSnapshot ToSnapshot() => new()
    {
        Open = { Open },
        Closed = { Closed },
        Handed = Handed,
        Counters = { Counters.Select(counter => new ExemplarCounter { TrajectoryId = ToBytes(counter.Key), Retrieved = counter.Value.Retrieved, Succeeded = counter.Value.Succeeded }) },
        Envelopes = { Credits.Envelopes.OrderBy(envelope => envelope.Id, StringComparer.Ordinal).Select(envelope => UnsafeByteOperations.UnsafeWrap(envelope.Bytes)) },
        OwnExemplars = Versions.Own,
        Version = Versions.Version,
        Settled = { Versions.Settled.Select(ToBytes) },
        Aside = { Versions.Aside.Select(ToBytes) },
        SettledRuns = Versions.OfSettled.Runs,
        SettledSuccesses = Versions.OfSettled.Successes,
        GrowingRuns = Versions.OfGrowing.Runs,
        GrowingSuccesses = Versions.OfGrowing.Successes,
        Unreflected = { Unreflected },
    };

    /// <summary>What <see cref="ToSnapshot"/> wrote.</summary>
    public static ContextState From(ContextSnapshot snapshot, string taskType, string self)
    {
        var empty = Empty(taskType, self);
        var state = empty with
        {
            Open = [.. snapshot.Open],
            Closed = [.. snapshot.Closed],
            Unreflected = [.. snapshot.Unreflected],
            Handed = snapshot.Handed,
            Counters = empty.Counters.AddRange(snapshot.Counters.Select(counter => KeyValuePair.Create(ToId(counter.TrajectoryId), new Credit(counter.Retrieved, counter.Succeeded)))),
            Versions = new ExemplarVersions
            {
                Own = snapshot.OwnExemplars,
                Version = snapshot.Version,
                Settled = ExemplarVersions.None.Settled.Union(snapshot.Settled.Select(ToId)),
                Aside = [.. snapshot.Aside.Select(ToId)],
                OfSettled = new SegmentTally(snapshot.SettledRuns, snapshot.SettledSuccesses),
                OfGrowing = new SegmentTally(snapshot.GrowingRuns, snapshot.GrowingSuccesses),
            },
        };
        return snapshot.Envelopes.Aggregate(state, (grown, envelope) => grown.Add(LearningJournal.Open(envelope)));
    }

    /// <summary>A trajectory id as it is journalled.</summary>
    public static ByteString ToBytes(string trajectoryId) => ByteString.CopyFrom(Convert.FromHexString(trajectoryId));

    private static string ToId(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}
