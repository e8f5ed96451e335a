namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Remembers what each author had told some time ago, so that what it told lately can be judged alone. When that is too much, those
/// who told most go without. For one thread at a time; not kept over restarts.
/// </summary>
/// <param name="most">Most that the old sums may weigh, see <see cref="OutcomeSums.Size"/>.</param>
internal sealed class RecentSums(long most = RecentSums.MaxSize)
{
    /// <summary>So many outcomes of an author are recent, and up to twice as many.</summary>
    public const ulong Window = 64;

    // Old sums are kept in memory beside the current ones.
    private const long MaxSize = 4_000_000;

    private static readonly Past Nothing = new(0, new Dictionary<string, OutcomeSums>(), 0);
    private readonly Dictionary<string, (Past Earlier, Past Later)> _authors = new(StringComparer.Ordinal);

    private sealed record Past(ulong Outcomes, IReadOnlyDictionary<string, OutcomeSums> Sums, long Size);

    /// <summary>What the old sums weigh.</summary>
    public long Size { get; private set; }

    /// <summary>Looks at how far the authors have come.</summary>
    public void Look(MatrixModel model)
    {
        foreach (var gone in _authors.Keys.Where(a => model.OutcomesOf(a) == 0).ToList())
        {
            Size -= SizeOf(gone);
            _authors.Remove(gone);
        }

        foreach (var author in model.Others)
        {
            var outcomes = model.OutcomesOf(author);
            if (!_authors.TryGetValue(author, out var past))
            {
                // Whatever there is at first is all news: nothing else is known to tell it by.
                _authors[author] = (Nothing, Nothing);
            }
            else if (outcomes >= past.Later.Outcomes + Window)
            {
                var now = new Past(outcomes, new Dictionary<string, OutcomeSums>(model.Of(author), StringComparer.Ordinal), model.SizeOf(author));
                Size += now.Size - past.Earlier.Size;
                _authors[author] = (past.Later, now);
            }
        }

        while (Size > most)
        {
            // What it had told by now stays its mark: it is not copied again before it has told as much more.
            var heaviest = _authors.Keys.MaxBy(SizeOf)!;
            Size -= SizeOf(heaviest);
            _authors[heaviest] = (Nothing, Nothing with { Outcomes = _authors[heaviest].Later.Outcomes });
        }
    }

    /// <summary>What an author had told of a capability before; empty when nothing.</summary>
    public OutcomeSums Before(string author, string capability) =>
        _authors.TryGetValue(author, out var past) ? past.Earlier.Sums.GetValueOrDefault(capability, OutcomeSums.Empty) : OutcomeSums.Empty;

    private long SizeOf(string author) => _authors.TryGetValue(author, out var past) ? past.Earlier.Size + past.Later.Size : 0;
}
