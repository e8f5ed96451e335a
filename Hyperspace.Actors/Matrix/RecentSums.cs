namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Remembers what each author had told some time ago, so that what it told lately can be judged alone. For one thread at a
/// time; not kept over restarts.
/// </summary>
internal sealed class RecentSums
{
    /// <summary>So many outcomes of an author are recent, and up to twice as many.</summary>
    public const ulong Window = 64;

    // Old sums are kept in memory beside the current ones.
    private const long MaxTerms = 2_000_000;

    private static readonly IReadOnlyDictionary<string, OutcomeSums> Nothing = new Dictionary<string, OutcomeSums>();
    private readonly Dictionary<string, (Past Earlier, Past Later)> _authors = new(StringComparer.Ordinal);

    private sealed record Past(ulong Outcomes, IReadOnlyDictionary<string, OutcomeSums> Sums);

    /// <summary>Looks at how far the authors have come.</summary>
    public void Look(MatrixModel model, string self)
    {
        foreach (var gone in _authors.Keys.Where(a => model.OutcomesOf(a) == 0).ToList())
        {
            _authors.Remove(gone);
        }

        foreach (var author in model.Authors.Where(a => a != self && a.Length > 0))
        {
            var outcomes = model.OutcomesOf(author);
            if (!_authors.TryGetValue(author, out var past))
            {
                // Whatever there is at first is all news: nothing else is known to tell it by.
                _authors[author] = (new Past(0, Nothing), new Past(0, Nothing));
            }
            else if (outcomes >= past.Later.Outcomes + Window && model.Terms <= MaxTerms)
            {
                _authors[author] = (past.Later, new Past(outcomes, new Dictionary<string, OutcomeSums>(model.Of(author), StringComparer.Ordinal)));
            }
        }
    }

    /// <summary>What an author had told of a capability before; empty when nothing.</summary>
    public OutcomeSums Before(string author, string capability) =>
        _authors.TryGetValue(author, out var past) ? past.Earlier.Sums.GetValueOrDefault(capability, OutcomeSums.Empty) : OutcomeSums.Empty;
}
