using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>All that a peer knows of one task type: its runs and the insights on them. Immutable; every input is a signed envelope.</summary>
internal sealed class TaskTypeState
{
    /// <summary>The section of bullets that were reflected.</summary>
    public const string InsightSection = "insights";

    private readonly IReflector _reflector;
    private Playbook? _read;

    private TaskTypeState(string taskType, IReflector reflector, TrajectoryState trajectories, PlaybookState playbook)
    {
        TaskType = taskType;
        _reflector = reflector;
        Trajectories = trajectories;
        Playbook = playbook;
    }

    /// <summary>The task type.</summary>
    public string TaskType { get; }

    /// <summary>The runs.</summary>
    public TrajectoryState Trajectories { get; }

    /// <summary>The reflected insights.</summary>
    public PlaybookState Playbook { get; }

    /// <summary>All bullets, best first, pruned ones included; derived once per state.</summary>
    public IReadOnlyList<JudgedBullet> AllBullets => Read().All;

    /// <summary>The playbook: visible bullets, best first.</summary>
    public IReadOnlyList<BulletView> Bullets => Read().Visible;

    /// <summary>Nothing known yet.</summary>
    public static TaskTypeState Empty(string taskType, string self, IReflector reflector, TrajectoryLimits? runs = null, PlaybookLimits? insights = null) =>
        new(taskType, reflector, TrajectoryState.Empty(self, runs ?? TrajectoryLimits.Default), PlaybookState.Empty(self, insights ?? PlaybookLimits.Default));

    /// <summary>The state with what an opened envelope tells. This very state when it tells nothing new; with a refusal when it breaks a rule.</summary>
    public TaskTypeState Add(SignedEnvelope envelope, out Refusal? refusal)
    {
        if (envelope.Type == EnvelopeTypes.PlaybookDelta)
        {
            var playbook = Playbook.Merge(envelope, TaskType, out refusal);
            return ReferenceEquals(playbook, Playbook) ? this : new TaskTypeState(TaskType, _reflector, Trajectories, playbook);
        }

        var run = KeptTrajectory.Read(envelope, TaskType, out refusal);
        var trajectories = run is null ? Trajectories : Trajectories.Add(run);
        return ReferenceEquals(trajectories, Trajectories) ? this : new TaskTypeState(TaskType, _reflector, trajectories, Playbook);
    }

    /// <summary>
    /// This peer's counters after a reflection: absolute values, for the bullets that the insights name. A run that a
    /// bullet was reflected on before does not count again. Empty when nothing changes.
    /// </summary>
    public IReadOnlyList<PlaybookDelta> Reflect(IReadOnlyList<string> insights, bool success, string? trajectoryId)
    {
        var effect = success ? BulletEffect.Helpful : BulletEffect.Harmful;
        return Playbook.Reflect(TaskType, new Reflection([], [.. insights.Select(text => new Insight(InsightSection, text, effect))]), trajectoryId);
    }

    private Playbook Read() => _read ??= Learning.Playbook.Read(TaskType, _reflector.Reflect(Trajectories.BestFirst), Playbook, AuthorWeights.Equal(Playbook.Self));

    /// <summary>Envelopes for a newcomer: successes, failures and insights in turn, the best of each first, within both limits.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Share(int maxEnvelopes, int maxBytes)
    {
        var runs = Trajectories.BestFirst.Where(run => !run.IsFailure).Select(run => run.Envelope);
        var failures = Trajectories.BestFirst.Where(run => run.IsFailure).Select(run => run.Envelope);
        var insights = Playbook.Envelopes;
        var shared = new List<ReadOnlyMemory<byte>>();
        var bytes = 0;
        foreach (var envelope in InTurn([runs, failures, insights]))
        {
            if (shared.Count == maxEnvelopes)
            {
                break;
            }

            if (bytes + envelope.Bytes.Length <= maxBytes)
            {
                bytes += envelope.Bytes.Length;
                shared.Add(envelope.Bytes);
            }
        }

        return shared;
    }

    /// <summary>Everything kept, in one canonical order: equal states give equal bytes.</summary>
    public TaskTypeSnapshot ToSnapshot()
    {
        var snapshot = new TaskTypeSnapshot();
        snapshot.Envelopes.AddRange(Trajectories.BestFirst.Select(run => run.Envelope).Concat(Playbook.Envelopes)
            .DistinctBy(envelope => envelope.Id).OrderBy(envelope => envelope.Id, StringComparer.Ordinal)
            .Select(envelope => UnsafeByteOperations.UnsafeWrap(envelope.Bytes)));
        return snapshot;
    }

    private static IEnumerable<SignedEnvelope> InTurn(IReadOnlyList<IEnumerable<SignedEnvelope>> kinds) =>
        kinds.SelectMany((kind, index) => kind.Select((envelope, turn) => (envelope, turn, index)))
            .OrderBy(entry => entry.turn).ThenBy(entry => entry.index).Select(entry => entry.envelope);
}
