namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// Bounds a set so that nobody crowds out the rest: everyone's first item comes before anyone's second, and so on,
/// again within each share. Cutting after every insertion keeps the same items as cutting once at the end, in
/// whatever order they arrive: the number of items in front of a given one never shrinks as others are added.
/// </summary>
internal static class FairShare
{
    /// <summary>All items, those to keep longest first.</summary>
    /// <param name="items">Distinct under <paramref name="bestFirst"/>.</param>
    /// <param name="bestFirst">A total order.</param>
    /// <param name="shares">Who an item belongs to, the outermost share first (author, then goal).</param>
    public static IReadOnlyList<T> Order<T>(IEnumerable<T> items, IComparer<T> bestFirst, params ReadOnlySpan<Func<T, string>> shares)
    {
        var ranked = items.Select(item => new Ranked<T>(item, [])).ToList();
        var comparer = Comparer<Ranked<T>>.Create((a, b) => a.CompareTo(b, bestFirst));
        ranked.Sort(comparer);
        for (var depth = shares.Length; depth > 0; depth--)
        {
            // The inner ranks stay in the key behind the new one: only then is the order monotone under insertion.
            var next = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var entry in ranked)
            {
                var share = PathOf(entry.Item, shares[..depth]);
                var rank = next.GetValueOrDefault(share);
                next[share] = rank + 1;
                entry.Ranks.Insert(0, rank);
            }

            ranked.Sort(comparer);
        }

        return ranked.ConvertAll(entry => entry.Item);
    }

    private static string PathOf<T>(T item, ReadOnlySpan<Func<T, string>> shares)
    {
        var path = "";
        foreach (var share in shares)
        {
            path += share(item) + '\n';
        }

        return path;
    }

    private sealed record Ranked<T>(T Item, List<int> Ranks)
    {
        public int CompareTo(Ranked<T> other, IComparer<T> bestFirst)
        {
            for (var i = 0; i < Ranks.Count; i++)
            {
                if (Ranks[i] != other.Ranks[i])
                {
                    return Ranks[i].CompareTo(other.Ranks[i]);
                }
            }

            return bestFirst.Compare(Item, other.Item);
        }
    }
}
