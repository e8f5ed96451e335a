namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>
/// What a run is worth as an example: Q(τ) = Σ success·f(τ) / Σ f(τ) over the tasks that were shown it f times
/// (arXiv:2505.00234). Failed tasks count although failed runs are no exemplars. Pure; a local view, since every author
/// counts by the trust that this peer has in it.
/// </summary>
/// <param name="Self">This peer's id.</param>
/// <param name="Credits">What peers say.</param>
/// <param name="WeightOf">0 to 1 by peer id; 1 for this peer.</param>
/// <param name="Own">This peer's own counters, ahead of what it has signed; null: what it has signed.</param>
internal sealed record ExemplarValue(string Self, CreditState Credits, Func<string, double> WeightOf, IReadOnlyDictionary<string, Credit>? Own = null)
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
        void Count(double weight, Credit credit)
        {
            // Scaled down to the cap, with the share of successes that it had.
            weight *= Math.Min(1, AuthorCap / (double)credit.Retrieved);
            succeeded += weight * credit.Succeeded;
            retrieved += weight * credit.Retrieved;
        }

        if (Own is not null && Own.TryGetValue(run.Id, out var own))
        {
            Count(1, own);
        }

        foreach (var record in Credits.Of(run.Id))
        {
            var isOwn = record.Author == Self;
            if (isOwn ? Own is null : record.Author != run.Author)
            {
                Count(isOwn ? 1 : WeightOf(record.Author), new Credit(record.Retrieved, record.Succeeded));
            }
        }

        return succeeded / retrieved;
    }
}
