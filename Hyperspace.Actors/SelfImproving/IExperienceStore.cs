using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What became of a run that was to be kept.</summary>
internal enum KeepOutcome
{
    /// <summary>It is on disk.</summary>
    Kept,

    /// <summary>It was there already.</summary>
    Known,

    /// <summary>Too many wait to be written; nothing was done.</summary>
    Busy,

    /// <summary>The disk refused it; the log says why.</summary>
    Failed,
}

/// <summary>The large part of a run, kept under its hash.</summary>
/// <param name="Hash">SHA-256 of <paramref name="Bytes"/>, lower-case hex.</param>
/// <param name="Bytes">A <c>Trajectory</c> as its author made it.</param>
internal sealed record RunBody(string Hash, ReadOnlyMemory<byte> Bytes);

/// <summary>What tells which contexts a run of this peer's own was handed. It stays on this peer: callers choose the names, and others have no use for them.</summary>
/// <param name="ContextId">The context that it was recorded with; null: none.</param>
/// <param name="SessionId">The session that it ran in; null: none.</param>
internal sealed record RunOrigin(string? ContextId, string? SessionId);

/// <summary>A run that this peer recorded, and from which not everything has followed yet: credit for what it was handed, and what the matrix learns of it.</summary>
/// <param name="Envelope">The run.</param>
/// <param name="Origin">What it was recorded with.</param>
internal sealed record UnfinishedRun(SignedEnvelope Envelope, RunOrigin Origin);

/// <summary>The ids of a task type's runs. Peers that keep different runs of the same ones would exchange them for ever without what is apart here.</summary>
/// <param name="Named">What neighbours are told of: kept runs, of one's own the best, as many as others keep of one author.</param>
/// <param name="Held">What neighbours are not asked for: kept runs, and those that gave way lately and would again.</param>
internal sealed record RunIds(IdSet Named, IdSet Held);

/// <summary>
/// The runs of every task type that a peer keeps, as the envelopes that their authors signed: a set, so that order and
/// repetition make no difference. Bounded by <see cref="Engine.ExperienceLimits"/>: whoever has most gives way first.
/// Safe from any thread.
/// </summary>
internal interface IExperienceStore : IAsyncDisposable
{
    /// <summary>Keeps a run, with its body when that is known; completes once it is committed.</summary>
    /// <param name="taskType">Its task type.</param>
    /// <param name="envelope">What is kept.</param>
    /// <param name="run">The envelope's run.</param>
    /// <param name="body">The whole of a shortened run.</param>
    Task<KeepOutcome> KeepAsync(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunBody? body = null);

    /// <summary>Keeps a run that this peer recorded just now. It is unfinished from then on, whatever happens to this process, until <see cref="FinishAsync"/>.</summary>
    Task<KeepOutcome> RecordAsync(string taskType, SignedEnvelope envelope, KeptTrajectory run, RunOrigin origin, RunBody? body);

    /// <summary>Everything has followed from a run that was recorded; <see cref="KeepOutcome.Known"/> when that was known.</summary>
    Task<KeepOutcome> FinishAsync(string taskType, string id);

    /// <summary>The unfinished runs of a task type, oldest first. None of them gives way to others.</summary>
    Task<IReadOnlyList<UnfinishedRun>> UnfinishedAsync(string taskType);

    /// <summary>The task types that have unfinished runs.</summary>
    Task<IReadOnlyList<string>> UnfinishedTaskTypesAsync();

    /// <summary>How often this peer has tried the goals of a task type, those that it tried last.</summary>
    Task<GoalAttempts> AttemptsAsync(string taskType);

    /// <summary>The envelopes of at least those runs of a task type that a <see cref="TrajectoryState"/> of all of them would keep, in any order.</summary>
    Task<IReadOnlyList<SignedEnvelope>> LoadAsync(string taskType, TrajectoryLimits limits);

    /// <summary>The ids of a task type's runs, for comparisons with neighbours.</summary>
    Task<RunIds> IdsAsync(string taskType);

    /// <summary>The kept runs of the first of these ids that are there, as many as have at most <paramref name="maxBytes"/> together, and how many ids that was.</summary>
    Task<(IReadOnlyList<SignedEnvelope> Found, int LookedFor)> FindAsync(string taskType, IReadOnlyList<byte[]> ids, int maxBytes);

    /// <summary>Keeps the body of a run that is kept; false when no run names it.</summary>
    Task<bool> KeepBodyAsync(RunBody body);

    /// <summary>A kept body; null when it is not there.</summary>
    Task<ReadOnlyMemory<byte>?> BodyAsync(string hash);
}
