namespace Hyperspace.Actors.Matrix;

/// <summary>What strangers are lent while nobody can confirm them, they share; pure.</summary>
internal static class LentWeight
{
    /// <summary>0 to 1 of each author: what it has earned, or its share of what one stranger alone is lent. A crowd of new names weighs no more than one.</summary>
    /// <param name="authors">All authors that are heard.</param>
    /// <param name="weightOf">What an author weighs here, lent or earned.</param>
    /// <param name="earnedBy">What it has earned of that.</param>
    public static Func<string, double> Shared(IEnumerable<string> authors, Func<string, double> weightOf, Func<string, double> earnedBy)
    {
        var lent = Math.Max(1, authors.Count(a => earnedBy(a) == 0 && weightOf(a) > 0));
        return author => earnedBy(author) is > 0 and var earned ? earned : weightOf(author) / lent;
    }
}
