using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What a peer's playbook of one task type follows from: the kept runs, and the insights that were reflected. Immutable.</summary>
internal sealed class PlaybookCuratorState
{
    /// <summary>The section of bullets that were reflected.</summary>
    public const string InsightSection = "insights";

    private readonly IReflector _reflector;

    private PlaybookCuratorState(string taskType, IReflector reflector, IReadOnlyList<KeptTrajectory> runs, PlaybookState playbook)
    {
        TaskType = taskType;
        _reflector = reflector;
        Runs = runs;
        Playbook = playbook;
    }

    /// <summary>The task type.</summary>
    public string TaskType { get; }

    /// <summary>The kept runs, best first.</summary>
    public IReadOnlyList<KeptTrajectory> Runs { get; }

    /// <summary>The reflected insights.</summary>
    public PlaybookState Playbook { get; }

    /// <summary>All bullets, best first, pruned ones included; derived once per state.</summary>
    public IReadOnlyList<BulletView> AllBullets => field ??= Learning.Playbook.Bullets(TaskType, _reflector.Reflect(Runs), Playbook.Records);

    /// <summary>The playbook: visible bullets, best first.</summary>
    public IReadOnlyList<BulletView> Bullets => field ??= [.. AllBullets.Where(Learning.Playbook.IsVisible).Take(Learning.Playbook.MaxBullets)];

    /// <summary>Nothing known yet.</summary>
    public static PlaybookCuratorState Empty(string taskType, string self, IReflector reflector, PlaybookLimits? insights = null) =>
        new(taskType, reflector, [], PlaybookState.Empty(self, insights ?? PlaybookLimits.Default));

    /// <summary>The state with other runs.</summary>
    public PlaybookCuratorState WithRuns(IReadOnlyList<KeptTrajectory> bestFirst) => new(TaskType, _reflector, bestFirst, Playbook);

    /// <summary>The state with what an opened envelope tells. This very state when it tells nothing new; with a refusal when it breaks a rule.</summary>
    public PlaybookCuratorState Add(SignedEnvelope envelope, out Refusal? refusal)
    {
        var records = InsightRecord.Read(envelope, TaskType, out refusal);
        var playbook = records?.Aggregate(Playbook, (state, record) => state.Merge(record)) ?? Playbook;
        return ReferenceEquals(playbook, Playbook) ? this : new PlaybookCuratorState(TaskType, _reflector, Runs, playbook);
    }

    /// <summary>
    /// This peer's counters after a reflection: absolute values, for the bullets that the insights name. A run that a
    /// bullet was reflected on before does not count again. Empty when nothing changes.
    /// </summary>
    public PlaybookDelta Reflect(IReadOnlyList<string> insights, bool success, string? trajectoryId)
    {
        var delta = new PlaybookDelta { TaskType = TaskType };
        foreach (var (id, text) in insights.Select(text => (Id: PlaybookRules.IdOf(TaskType, InsightSection, text), Text: text)).DistinctBy(insight => insight.Id))
        {
            var known = Playbook.OwnRecord(id)?.Count;
            if (trajectoryId is not null && known?.Sources.Contains(trajectoryId) == true)
            {
                continue;
            }

            var count = known?.Clone() ?? new BulletCount { Section = InsightSection, Text = text };
            count.Helpful = Math.Min(PlaybookRules.MaxCount, count.Helpful + (success ? 1UL : 0));
            count.Harmful = Math.Min(PlaybookRules.MaxCount, count.Harmful + (success ? 0 : 1UL));
            if (trajectoryId is not null)
            {
                // The newest sources stay: they are the ones that may be reflected on again.
                count.Sources.Add(trajectoryId);
                while (count.Sources.Count > PlaybookRules.MaxSources)
                {
                    count.Sources.RemoveAt(0);
                }
            }

            delta.Bullets.Add(count);
        }

        return delta;
    }

    /// <summary>The envelopes of the insights, those with most evidence first.</summary>
    public IReadOnlyList<SignedEnvelope> Envelopes => field ??= [.. Playbook.Records.Select(record => record.Envelope).DistinctBy(envelope => envelope.Id)];

    /// <summary>All insights, in one canonical order: equal states give equal bytes.</summary>
    public TaskTypeSnapshot ToSnapshot()
    {
        var snapshot = new TaskTypeSnapshot();
        snapshot.Envelopes.AddRange(Envelopes.OrderBy(envelope => envelope.Id, StringComparer.Ordinal).Select(envelope => UnsafeByteOperations.UnsafeWrap(envelope.Bytes)));
        return snapshot;
    }
}
