using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>One of this peer's own runs, finished.</summary>
/// <param name="TaskType">The task type.</param>
/// <param name="Run">The run, as it was signed: without secrets.</param>
/// <param name="Used">The bullets that were handed out for it.</param>
internal sealed record FinishedRun(string TaskType, KeptTrajectory Run, IReadOnlyList<BulletView> Used);

/// <summary>
/// ACE's reflector (arXiv:2510.04618): says of each bullet that a run used whether it helped, and what else is to be learnt.
/// What follows from all runs together is another matter: <see cref="IReflector"/>.
/// </summary>
internal interface IRunReflector
{
    /// <summary>Reflects on one run. Whatever it throws is a failed reflection, which says nothing of the run.</summary>
    Task<Reflection> ReflectAsync(FinishedRun finished, CancellationToken cancellationToken);
}

/// <summary>Needs no model: a run that went well speaks for every bullet that it used, one that went badly against them.</summary>
internal sealed class OutcomeReflector : IRunReflector
{
    /// <summary>What the outcome says of every bullet that the run used; pure.</summary>
    public static BulletEffect EffectOf(KeptTrajectory run) => run.IsSuccess ? BulletEffect.Helpful : run.IsFailure ? BulletEffect.Harmful : BulletEffect.Neutral;

    /// <summary>Tags by the outcome; pure.</summary>
    public static Reflection Reflect(FinishedRun finished) => new([.. finished.Used.Select(bullet => new BulletTag(bullet.Id, EffectOf(finished.Run)))], []);

    /// <inheritdoc/>
    public Task<Reflection> ReflectAsync(FinishedRun finished, CancellationToken cancellationToken) => Task.FromResult(Reflect(finished));
}
