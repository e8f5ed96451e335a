using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>A bullet that follows from runs.</summary>
/// <param name="Section">"tools", "providers", "parameters" or "pitfalls".</param>
/// <param name="Text">What to do, a sentence.</param>
/// <param name="Helpful">Runs that speak for it.</param>
/// <param name="Harmful">Runs that speak against it.</param>
/// <param name="Context">Further runs that it was drawn from, as the failures that it explains.</param>
internal sealed record DerivedBullet(
    string Section,
    string Text,
    IReadOnlyCollection<KeptTrajectory> Helpful,
    IReadOnlyCollection<KeptTrajectory> Harmful,
    IReadOnlyCollection<KeptTrajectory> Context);

/// <summary>
/// Turns runs into bullets. It must be a pure function of the set of runs: peers that keep the same runs then have
/// the same playbook, whatever came first.
/// </summary>
internal interface IReflector
{
    /// <summary>The bullets of one task type.</summary>
    /// <param name="runs">All kept runs of the task type, best first.</param>
    IReadOnlyList<DerivedBullet> Reflect(IReadOnlyList<KeptTrajectory> runs);
}
