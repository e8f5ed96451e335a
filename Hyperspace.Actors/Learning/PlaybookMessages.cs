using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What a task type's entity, its playbook and its reflector tell each other; local only.</summary>
internal static class PlaybookMessages
{
    /// <summary>
    /// To the playbook: one of this peer's runs is recorded, and these bullets were handed out for it. It is reflected on, once however
    /// often this is told; its parent is told <see cref="TrajectoryMessages.OwnRunReflected"/> when that is journalled.
    /// </summary>
    public sealed record RunFinished(KeptTrajectory Run, IReadOnlyList<string> BulletIds);

    /// <summary>To the playbook: see whether a bullet does no good.</summary>
    public sealed class Prune
    {
        /// <summary>The only one.</summary>
        public static Prune Instance { get; } = new();
    }

    /// <summary>To the playbook: what was learnt from a run.</summary>
    public sealed record Reflected(Reflection Reflection, string TrajectoryId);
}
