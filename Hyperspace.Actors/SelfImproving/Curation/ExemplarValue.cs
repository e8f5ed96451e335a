namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>
/// What a run is worth as an example: Q(τ) = Σ success·f(τ) / Σ f(τ) over the tasks that were shown it f times
/// (arXiv:2505.00234). Failed tasks count although failed runs are no exemplars. Pure; a local view, since every author
/// counts by the trust that this peer has in it.
/// </summary>
/// <param name="Self">This peer's id.</param>
/// <param name="Credits">What peers say.</param>
/// <param name="WeightOf">0 to 1 by peer id; 1 for this peer.</param>
internal sealed record ExemplarValue(string Self, CreditState Credits, Func<string, double> WeightOf)
{
    /// <summary>The value of a run that nobody was shown yet.</summary>
    public const double Prior = 0.5;

    /// <summary>Retrievals after which what was counted weighs as much as <see cref="Prior"/>.</summary>
    public const double PriorRetrievals = 4;

    /// <summary>Retrievals up to which an author's word grows in weight: no one outvotes the others by volume.</summary>
    public const ulong AuthorCap = 32;

    /// <summary>0 to 1. Nobody's word counts for their own runs, but this peer's own.</summary>
    public double Of(KeptTrajectory run)
    {
        var (succeeded, retrieved) = (Prior * PriorRetrievals, PriorRetrievals);
        foreach (var record in Credits.Of(run.Id))
        {
            if (record.Author == run.Author && record.Author != Self)
            {
                continue;
            }

            // Scaled down to the cap, with the share of successes that it had.
            var weight = (record.Author == Self ? 1 : WeightOf(record.Author)) * Math.Min(1, AuthorCap / (double)record.Retrieved);
            succeeded += weight * record.Succeeded;
            retrieved += weight * record.Retrieved;
        }

        return succeeded / retrieved;
    }
}
