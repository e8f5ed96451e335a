namespace Hyperspace.Actors.Matrix;

/// <summary>Shares the keys of one answer among the authors that differ: who has many starves nobody. Pure.</summary>
internal static class SharedKeys
{
    /// <summary>All keys of those who have few, and of the others as many each as is left for them, another part each time.</summary>
    /// <param name="authors">Each author's keys.</param>
    /// <param name="most">Most keys altogether.</param>
    /// <param name="random">Where the part of an author begins.</param>
    public static IEnumerable<ulong> Of(IReadOnlyList<IReadOnlyCollection<ulong>> authors, int most, Random random)
    {
        var (left, waiting) = (most, authors.Count);
        foreach (var keys in authors.OrderBy(a => a.Count))
        {
            var share = Math.Min(keys.Count, left / waiting--);
            var start = share < keys.Count ? random.Next(keys.Count) : 0;
            foreach (var key in keys.Skip(start).Concat(keys.Take(start)).Take(share))
            {
                yield return key;
            }

            left -= share;
        }
    }
}
