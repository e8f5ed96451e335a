using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.SelfImproving;

/// <summary>A message for what this peer knows of one task type; the type names the entity.</summary>
public interface ITaskTypeMessage
{
    /// <summary>1 to 64 of <c>a–z 0–9 . _ -</c>, beginning with a letter or digit.</summary>
    string TaskType { get; }
}

/// <summary>A step of a run, as it is shared.</summary>
public sealed record TrajectoryStepView(string Kind, string Name, string? Thought, string? Input, string? Output, Amount Cost, TimeSpan Duration, bool Ok, string? Error);

/// <summary>A run that some peer recorded and signed.</summary>
/// <param name="TrajectoryId">Hash of its envelope.</param>
/// <param name="PeerId">Its author.</param>
/// <param name="TaskType">The task type.</param>
/// <param name="Input">What was asked.</param>
/// <param name="Steps">What was done.</param>
/// <param name="Output">What came out.</param>
/// <param name="Reward">0 to 1.</param>
/// <param name="RecordedAt">When (the author's clock).</param>
public sealed record TrajectoryView(string TrajectoryId, string PeerId, string TaskType, string? Input, IReadOnlyList<TrajectoryStepView> Steps, string? Output, double Reward, DateTimeOffset RecordedAt)
{
    /// <summary>The failed run that it repairs; null when it is no repair.</summary>
    public string? Repairs { get; init; }

    /// <summary>Runs that its goal had taken the author, this one included; 0: not counted.</summary>
    public int Tries { get; init; }

    /// <summary>How many of them went well.</summary>
    public int Successes { get; init; }

    /// <summary>Bytes of the whole run when the author's record of it is shortened; else 0.</summary>
    public long BodyBytes { get; init; }
}

/// <summary>Messages about trajectories.</summary>
public static class TrajectoryCommands
{
    /// <summary>Signs, journals and gossips a run. Follows the task type. Answered with <see cref="TrajectoryRecorded"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Record(string TaskType, string? Input, IReadOnlyList<TrajectoryStepView> Steps, string? Output, double Reward, string? SessionId) : ITaskTypeMessage
    {
        /// <summary>The failed run of the same goal that this one repairs: it is kept apart and never counts as an independent success.</summary>
        public string? Repairs { get; init; }

        /// <summary>The context that was handed out for the run: what was in it is credited with the outcome, once.</summary>
        public string? ContextId { get; init; }
    }

    /// <summary>What recording would share; nothing is recorded. Answered with <see cref="TrajectoryPreview"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Preview(Record Run) : ITaskTypeMessage
    {
        /// <inheritdoc/>
        public string TaskType => Run.TaskType;
    }

    /// <summary>What is worth practising next. Answered with <see cref="CurriculumView"/>.</summary>
    public sealed record Curriculum(string TaskType, int Limit) : ITaskTypeMessage;

    /// <summary>Follows a task type from now on, over restarts; asks neighbours for what they have. Answered with <see cref="TaskTypeFollowed"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Follow(string TaskType) : ITaskTypeMessage;

    /// <summary>The best runs, nearest to the input first. Answered with <see cref="TrajectoryMatches"/>.</summary>
    public sealed record Query(string TaskType, string? Input, int Limit) : ITaskTypeMessage;

    /// <summary>One kept run; a shortened one is made whole from peers when <paramref name="Full"/> is asked for. Answered with <see cref="TrajectoryFound"/> or a <see cref="Refusal"/>.</summary>
    public sealed record Get(string TaskType, string TrajectoryId, bool Full) : ITaskTypeMessage;

    /// <summary>Hands over a run's outcome to the playbook. Answered with <see cref="BulletsReflected"/> or a <see cref="Refusal"/>.</summary>
    /// <param name="TaskType">The task type.</param>
    /// <param name="Execution">The run: a trajectory id, or free JSON or text.</param>
    /// <param name="Success">The outcome.</param>
    /// <param name="Insights">What was learnt, a sentence each.</param>
    public sealed record Reflect(string TaskType, string? Execution, bool Success, IReadOnlyList<string> Insights) : ITaskTypeMessage;

    /// <summary>Answered with <see cref="PlaybookView"/>.</summary>
    public sealed record GetPlaybook(string TaskType) : ITaskTypeMessage;

    /// <summary>What the next run should know; follows the task type. Answered with <see cref="LearningContext"/> or a <see cref="Refusal"/>.</summary>
    public sealed record GetContext(string TaskType, string? Input, int Limit) : ITaskTypeMessage
    {
        /// <summary>Most tokens (o200k) of its texts; null: unbounded.</summary>
        public int? TokenBudget { get; init; }

        /// <summary>The session that the run will be recorded with: its outcome credits the context, as its id does.</summary>
        public string? SessionId { get; init; }
    }
}

/// <summary>The run is signed, journalled and on its way.</summary>
public sealed record TrajectoryRecorded(string TrajectoryId);

/// <summary>Something that is taken out of a run before it leaves the peer.</summary>
/// <param name="Field">Where, as <c>steps[0].input</c>.</param>
/// <param name="Kind">What, as "email"; the placeholder there names it.</param>
/// <param name="Count">How often.</param>
public sealed record Replacement(string Field, string Kind, int Count);

/// <summary>What recording a run would share; nothing was recorded.</summary>
/// <param name="Run">The run as others would see it; without an id, since it is not signed.</param>
/// <param name="Replacements">What was taken out.</param>
/// <param name="Bytes">Bytes of the run before the envelope around it.</param>
/// <param name="BodyByHash">True when texts travel apart from the gossiped record and are fetched by their hash.</param>
public sealed record TrajectoryPreview(TrajectoryView Run, IReadOnlyList<Replacement> Replacements, int Bytes, bool BodyByHash);

/// <summary>A goal that is worth practising.</summary>
/// <param name="Goal">What runs that were asked the same thing share: a hash.</param>
/// <param name="Input">What is asked, as one of the runs was asked it.</param>
/// <param name="SuccessRate">0.3 to 0.8: how often it went well, by the runs that count at this peer.</param>
/// <param name="Attempts">Runs that it took the peers that count.</param>
/// <param name="Value">0 to 1: highest where success and failure are as likely.</param>
/// <param name="Why">A sentence.</param>
public sealed record CurriculumGoal(string Goal, string Input, double SuccessRate, long Attempts, double Value, string Why)
{
    /// <summary>Its newest failed run that no repair that went well names yet: what to name as <see cref="TrajectoryCommands.Record.Repairs"/>; null when there is none.</summary>
    public string? Failed { get; init; }
}

/// <summary>What is worth practising next, the most worth first.</summary>
public sealed record CurriculumView(string TaskType, IReadOnlyList<CurriculumGoal> Goals);

/// <summary>The peer follows the task type.</summary>
public sealed record TaskTypeFollowed(string TaskType);

/// <summary>Runs that match.</summary>
public sealed record TrajectoryMatches(IReadOnlyList<TrajectoryView> Trajectories);

/// <summary>A kept run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Full">False when its texts are shortened.</param>
public sealed record TrajectoryFound(TrajectoryView Run, bool Full);

/// <summary>A playbook's line.</summary>
/// <param name="Id">Hash of task type, section and text: the same on every peer.</param>
/// <param name="Section">A heading such as "tools", "providers", "parameters", "pitfalls", "strategies", "insights".</param>
/// <param name="Text">What to do, a sentence.</param>
/// <param name="Helpful">Sum of the counters of all peers whose word counts at this peer.</param>
/// <param name="Harmful">As above.</param>
/// <param name="Score">0 to 1: how often it helps, by what counts at this peer; ½ when nothing does.</param>
/// <param name="Sources">Ids of the runs that it came from; of the signed reflection itself when that named no run.</param>
/// <param name="Authors">Peers that ran or reflected it and whose word counts at this peer; 0 when only strangers did.</param>
public sealed record BulletView(string Id, string Section, string Text, ulong Helpful, ulong Harmful, double Score, IReadOnlyList<string> Sources, int Authors);

/// <summary>The bullets that a reflection added or strengthened.</summary>
public sealed record BulletsReflected(IReadOnlyList<BulletView> Bullets);

/// <summary>A task type's playbook, best first.</summary>
public sealed record PlaybookView(string TaskType, IReadOnlyList<BulletView> Bullets);

/// <summary>Bullets and exemplars for the next run.</summary>
public sealed record LearningContext(string TaskType, IReadOnlyList<BulletView> Bullets, IReadOnlyList<TrajectoryView> Exemplars)
{
    /// <summary>Names it when the run is recorded.</summary>
    public string ContextId { get; init; } = "";

    /// <summary>Tokens (o200k) of the texts of bullets and exemplars.</summary>
    public int Tokens { get; init; }
}
