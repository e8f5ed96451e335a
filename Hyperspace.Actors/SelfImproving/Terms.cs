using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Words of a text, as retrieval and goal grouping see them; pure.</summary>
internal static class Terms
{
    /// <summary>Most distinct terms that are taken from a text.</summary>
    public const int MaxTerms = 64;

    private const int MaxTermLength = 32;

    private static readonly FrozenSet<string> Stopwords = FrozenSet.ToFrozenSet(
        ["a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "how", "in", "is", "it", "its", "of", "on", "or", "that", "the", "this", "to", "was", "what", "when", "where", "which", "who", "why", "with"],
        StringComparer.Ordinal);

    /// <summary>Distinct lower-case words without stopwords, in ordinal order; the first <see cref="MaxTerms"/> of the text.</summary>
    public static IReadOnlyList<string> Of(string? text)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var word = new StringBuilder();
        foreach (var c in text ?? "")
        {
            if (char.IsLetterOrDigit(c))
            {
                if (word.Length < MaxTermLength)
                {
                    word.Append(char.ToLowerInvariant(c));
                }
            }
            else if (Flush(word, found) == MaxTerms)
            {
                break;
            }
        }

        Flush(word, found);
        return [.. found.Take(MaxTerms)];
    }

    /// <summary>The terms as numbers, ascending: what a working set keeps of them.</summary>
    public static uint[] HashesOf(IReadOnlyList<string> terms)
    {
        uint[] hashes = [.. terms.Select(Fnv1a.Of)];
        Array.Sort(hashes);
        return hashes;
    }

    /// <summary>The goal that runs share when they were asked the same thing in other order, case or punctuation.</summary>
    public static string GoalOf(IReadOnlyList<string> terms) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', terms))), 0, 8);

    private static int Flush(StringBuilder word, SortedSet<string> found)
    {
        if (word.Length > 0)
        {
            var term = word.ToString();
            word.Clear();
            if (!Stopwords.Contains(term))
            {
                found.Add(term);
            }
        }

        return found.Count;
    }
}
