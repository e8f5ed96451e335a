using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What a peer's playbook of one task type follows from: the kept runs, and what was reflected. Immutable.</summary>
internal sealed class PlaybookCuratorState
{
    /// <summary>Own runs that are known to be reflected on: far more than are told again after a crash.</summary>
    public const int MaxReflected = 1_024;

    private readonly IReflector _reflector;
    private readonly ImmutableList<ByteString> _reflected;
    private (IReadOnlyList<KeptTrajectory> Runs, IReadOnlyList<DerivedBullet> Bullets)? _derived;

    private PlaybookCuratorState(
        string taskType, IReflector reflector, IReadOnlyList<KeptTrajectory> runs,
        (IReadOnlyList<KeptTrajectory> Runs, IReadOnlyList<DerivedBullet> Bullets)? derived, PlaybookState playbook, ImmutableList<ByteString> reflected)
    {
        _reflected = reflected;
        TaskType = taskType;
        _reflector = reflector;
        _derived = derived;
        Runs = runs;
        Playbook = playbook;
    }

    /// <summary>The task type.</summary>
    public string TaskType { get; }

    /// <summary>The kept runs, best first.</summary>
    public IReadOnlyList<KeptTrajectory> Runs { get; }

    /// <summary>What was reflected, and pruned.</summary>
    public PlaybookState Playbook { get; }

    /// <summary>What is kept of that as it was signed, most evidence first.</summary>
    public IReadOnlyList<SignedEnvelope> Envelopes => field ??= [.. Playbook.Envelopes];

    /// <summary>Nothing known yet.</summary>
    public static PlaybookCuratorState Empty(string taskType, string self, IReflector reflector, PlaybookLimits? insights = null) =>
        new(taskType, reflector, [], null, PlaybookState.Empty(self, insights ?? PlaybookLimits.Default), []);

    /// <summary>The state with other runs.</summary>
    public PlaybookCuratorState WithRuns(IReadOnlyList<KeptTrajectory> bestFirst) => new(TaskType, _reflector, bestFirst, null, Playbook, _reflected);

    /// <summary>The state with what an opened envelope tells. This very state when it tells nothing new; with a refusal when it breaks a rule.</summary>
    public PlaybookCuratorState Add(SignedEnvelope envelope, out Refusal? refusal)
    {
        var playbook = Playbook.Merge(envelope, TaskType, out refusal);
        return ReferenceEquals(playbook, Playbook) ? this : new PlaybookCuratorState(TaskType, _reflector, Runs, _derived, playbook, _reflected);
    }

    /// <summary>Whether a run of this peer's own was reflected on, as far as that is remembered.</summary>
    public bool HasReflected(ByteString trajectoryId) => _reflected.Contains(trajectoryId);

    /// <summary>The state after runs of this peer's own were reflected on; empty ids are none.</summary>
    public PlaybookCuratorState WithReflected(params IReadOnlyList<ByteString> trajectoryIds)
    {
        var reflected = _reflected.AddRange(trajectoryIds.Where(id => !id.IsEmpty));
        return new(TaskType, _reflector, Runs, _derived, Playbook, reflected.Count > MaxReflected ? reflected.RemoveRange(0, reflected.Count - MaxReflected) : reflected);
    }

    /// <summary>
    /// The playbook as it reads with these weights. Runs of authors whose word counts for nothing show nothing while others have
    /// any: how many they made up would decide which side of a contrast is the good one.
    /// </summary>
    public Playbook Read(AuthorWeights weights)
    {
        var heard = weights.Heard(Runs, run => run.Author);
        if (_derived is not { } derived || !derived.Runs.SequenceEqual(heard))
        {
            _derived = derived = (heard, _reflector.Reflect(heard));
        }

        return Learning.Playbook.Read(TaskType, derived.Bullets, Playbook, weights);
    }

    /// <summary>This peer's counters after a reflection; see <see cref="PlaybookState.Reflect"/>.</summary>
    public IReadOnlyList<PlaybookDelta> Reflect(Reflection reflection, string? trajectoryId, Playbook read) => Playbook.Reflect(TaskType, reflection, trajectoryId, read);

    /// <summary>All that was reflected, in one canonical order: equal states give equal bytes.</summary>
    public TaskTypeSnapshot ToSnapshot()
    {
        var snapshot = new TaskTypeSnapshot();
        snapshot.Reflected.AddRange(_reflected);
        snapshot.Envelopes.AddRange(Envelopes.OrderBy(envelope => envelope.Id, StringComparer.Ordinal).Select(envelope => UnsafeByteOperations.UnsafeWrap(envelope.Bytes)));
        return snapshot;
    }
}
