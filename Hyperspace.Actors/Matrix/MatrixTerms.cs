using System.Collections.Frozen;
using System.Text;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Words of a text as the learned leg counts them; pure, and the same on every peer. A term is the FNV-1a hash (32 bits) of
/// the UTF-8 bytes of a lower-case word without its English inflection, so sums tell no words to who does not know them.
/// </summary>
internal static class MatrixTerms
{
    /// <summary>Most distinct terms that are taken from a text; the first ones count.</summary>
    public const int MaxTerms = 64;

    private const int MaxWord = 32;

    private static readonly FrozenSet<string> Stopwords = FrozenSet.ToFrozenSet(
        [
            "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "did", "do", "does", "for", "from", "get", "give", "has", "have", "help", "how", "i", "in",
            "is", "it", "its", "me", "my", "need", "of", "on", "or", "please", "s", "should", "so", "some", "t", "tell", "that", "the", "their", "them", "there", "these", "they", "this", "to",
            "us", "want", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
        ],
        StringComparer.Ordinal);

    /// <summary>The distinct terms of a text, ascending.</summary>
    public static uint[] Of(string text)
    {
        var found = new HashSet<uint>();
        foreach (var word in Words(text))
        {
            found.Add(Hash(word));
            if (found.Count == MaxTerms)
            {
                break;
            }
        }

        uint[] terms = [.. found];
        Array.Sort(terms);
        return terms;
    }

    /// <summary>The words of a text in their order: lower-case, without stopwords and inflections, cut to 32 characters.</summary>
    public static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && char.IsLetterOrDigit(text[i]))
            {
                if (word.Length < MaxWord)
                {
                    word.Append(char.ToLowerInvariant(text[i]));
                }
            }
            else if (word.Length > 0)
            {
                var whole = word.ToString();
                word.Clear();
                if (!Stopwords.Contains(whole))
                {
                    yield return Stem(whole);
                }
            }
        }
    }

    /// <summary>The term of a word that is in its normal form already.</summary>
    public static uint Hash(string word) => Fnv1a.Of(word);

    // Enough of English that a query's plural or participle meets the description's word.
    private static string Stem(string word) => word switch
    {
        { Length: > 4 } when word.EndsWith("ies", StringComparison.Ordinal) || word.EndsWith("ied", StringComparison.Ordinal) => word[..^3] + "y",
        { Length: > 5 } when word.EndsWith("ing", StringComparison.Ordinal) => Undouble(word[..^3]),
        { Length: > 4 } when word.EndsWith("ed", StringComparison.Ordinal) => Undouble(word[..^2]),
        { Length: > 4 } when word.EndsWith("ses", StringComparison.Ordinal) || word.EndsWith("xes", StringComparison.Ordinal) || word.EndsWith("hes", StringComparison.Ordinal) => word[..^2],
        { Length: > 3 } when word[^1] == 's' && word[^2] is not ('s' or 'u' or 'i') => Silent(word[..^1]),
        _ => Silent(word),
    };

    private static string Undouble(string word) => word.Length > 3 && word[^1] == word[^2] && word[^1] is not ('l' or 's' or 'z') ? word[..^1] : word;

    private static string Silent(string word) => word.Length > 4 && word[^1] == 'e' ? word[..^1] : word;
}
