namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Whose text an embedder is asked for next: first those that were never asked for, many at once; then, one by one, those of which
/// nothing came, for a single text may be what makes a call fail. So no text keeps the others from being embedded.
/// </summary>
internal sealed class EmbeddingTurns
{
    private const int MostDoublings = 5;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, int> _failures = new(StringComparer.Ordinal);
    private int _inARow;

    /// <summary>How long to wait before the next call; none unless the last one gave nothing.</summary>
    public TimeSpan Pause => _inARow == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(Longest.TotalSeconds, 1 << Math.Min(_inARow - 1, MostDoublings)));

    /// <summary>The next call.</summary>
    /// <param name="missing">The capabilities without a vector.</param>
    public IReadOnlyList<string> Next(IEnumerable<string> missing)
    {
        var (untried, again, least) = (new List<string>(), (string?)null, int.MaxValue);
        foreach (var id in missing)
        {
            if (!_failures.TryGetValue(id, out var failures))
            {
                untried.Add(id);
                if (untried.Count == ModelEmbedder.MaxTexts)
                {
                    break;
                }
            }
            else if (failures < least)
            {
                (again, least) = (id, failures);
            }
        }

        return untried.Count > 0 ? untried : again is null ? [] : [again];
    }

    /// <summary>A call has ended.</summary>
    /// <param name="given">Those of which a vector came.</param>
    /// <param name="failed">Those of which none did.</param>
    public void Ended(IReadOnlyCollection<string> given, IReadOnlyCollection<string> failed)
    {
        _inARow = given.Count > 0 || failed.Count == 0 ? 0 : _inARow + 1;
        foreach (var id in given)
        {
            _failures.Remove(id);
        }

        foreach (var id in failed)
        {
            _failures[id] = _failures.GetValueOrDefault(id) + 1;
        }
    }

    /// <summary>A capability is gone, or says something else now.</summary>
    public void Forget(string id) => _failures.Remove(id);
}
