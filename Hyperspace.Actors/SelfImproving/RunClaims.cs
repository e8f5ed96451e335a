using Hyperspace.Actors.Reputation;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What runs claim: that doing the same for the same goal goes well, or badly; pure.</summary>
internal static class RunClaims
{
    /// <summary>The claims about goals that <paramref name="self"/> has tried. A run that went neither well nor badly claims nothing, and so does a repair, and a shortened run, which does not say all that it did.</summary>
    public static IEnumerable<Claim> Of(string self, IReadOnlyList<KeptTrajectory> runs)
    {
        var tried = runs.Where(run => run.Author == self).Select(run => run.Goal).ToHashSet(StringComparer.Ordinal);
        return runs.Where(run => (run.IsSuccess || run.IsFailure) && run.BodyHash is null && tried.Contains(run.Goal)).Select(run => new Claim(run.Author, $"{run.Goal} {run.Shape}", run.IsSuccess));
    }
}
