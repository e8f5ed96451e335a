using System.Collections.Frozen;
using System.Text;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// A bullet's text as its near duplicates are found: counts of words, pairs of words and character trigrams. Equal on every
/// peer: integers only, hashed by FNV-1a and not by the runtime. Two texts whose telling words differ, or stand in another order, are
/// never near duplicates, however alike they look: "with mode=any" is not "with mode=all". Telling are numbers, quoted, joined or
/// shortened words, those with a capital letter (a name, wherever it stands), and those that turn the sense of a sentence.
/// </summary>
internal sealed class BulletText
{
    // cos ≥ 0.90 (ACE, arXiv:2510.04618), squared: dot² · 100 ≥ 81 · |a|² · |b|².
    private const long ThresholdNumerator = 81;
    private const long ThresholdDenominator = 100;
    private const ulong FnvOffset = 14_695_981_039_346_656_037;
    private const ulong FnvPrime = 1_099_511_628_211;

    // Of a pair of opposites one is enough.
    private static readonly FrozenSet<string> Turns = FrozenSet.ToFrozenSet(
        ["no", "not", "never", "none", "nor", "without", "avoid", "cannot", "stop", "except", "unless", "instead", "before", "after", "over", "than", "always", "only", "more", "less", "first", "last",
        "all", "any", "some", "every", "each", "both", "either", "neither", "least", "most", "fewer", "off", "down", "out", "from", "above", "below", "under",
        "true", "false", "high", "higher", "low", "lower", "long", "longer", "short", "shorter", "fast", "faster", "slow", "slower", "large", "larger", "small", "smaller", "early", "earlier", "late", "later",
        "new", "newer", "newest", "old", "older", "oldest", "left", "right", "push", "pull", "set", "may", "must", "good", "bad", "best", "worst"],
        StringComparer.Ordinal);

    // Of words that have many forms, and an opposite.
    private static readonly string[] TurningStems =
        ["enabl", "disabl", "allow", "permit", "den", "forbid", "accept", "reject", "refus", "increas", "decreas", "includ", "exclud", "succe", "fail", "start", "begin", "end", "open", "clos", "add", "remov", "delet", "creat",
        "read", "writ", "lock", "unlock", "encrypt", "decrypt", "ascend", "descend", "maxim", "minim", "primary", "secondary", "standby", "public", "private", "local", "remote", "client", "server", "source", "destination",
        "input", "output", "safe", "unsafe", "valid", "invalid", "keep", "drop", "send", "receiv", "buy", "sell", "trust", "distrust"];

    private readonly ulong[] _features;
    private readonly long[] _counts;
    private readonly long _norm;

    private BulletText(string key, SortedDictionary<ulong, long> features)
    {
        Key = key;
        _features = [.. features.Keys];
        _counts = [.. features.Values];
        _norm = _counts.Sum(count => count * count);
    }

    /// <summary>The telling words; only texts of the same key are compared.</summary>
    public string Key { get; }

    /// <summary>Reads a text of at most <see cref="PlaybookRules.MaxTextBytes"/>.</summary>
    public static BulletText Of(string text)
    {
        var lower = text.ToLowerInvariant();
        var features = new SortedDictionary<ulong, long>();
        void Add(char kind, ReadOnlySpan<char> feature)
        {
            var hash = Hash(kind, feature);
            features[hash] = features.GetValueOrDefault(hash) + 1;
        }

        var words = WordsOf(lower);
        for (var i = 0; i < words.Count; i++)
        {
            Add('w', words[i]);
            if (i > 0)
            {
                Add('p', words[i - 1] + ' ' + words[i]);
            }
        }

        var line = ' ' + string.Join(' ', words) + ' ';
        for (var i = 0; i + 3 <= line.Length; i++)
        {
            Add('c', line.AsSpan(i, 3));
        }

        return new BulletText(KeyOf(text), features);
    }

    /// <summary>Whether the cosine of both is at least 0.90; exact.</summary>
    public bool IsNear(BulletText other)
    {
        if (Key != other.Key)
        {
            return false;
        }

        long dot = 0;
        for (int i = 0, j = 0; i < _features.Length && j < other._features.Length;)
        {
            if (_features[i] == other._features[j])
            {
                dot += _counts[i++] * other._counts[j++];
            }
            else if (_features[i] < other._features[j])
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        return (Int128)dot * dot * ThresholdDenominator >= (Int128)_norm * other._norm * ThresholdNumerator;
    }

    private static List<string> WordsOf(string lower)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        foreach (var c in lower + ' ')
        {
            if (char.IsLetterOrDigit(c))
            {
                word.Append(c);
            }
            else if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }

        return words;
    }

    private static string KeyOf(string text) => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(token => token.Trim('.', ',', ';', ':', '!', '?', '(', ')'))
        .Where(token => token.Any(c => !char.IsLetter(c) || char.IsUpper(c)) || IsTurn(token))
        .Select(token => token.ToLowerInvariant()));

    private static bool IsTurn(string word) => Turns.Contains(word) || Array.Exists(TurningStems, stem => word.StartsWith(stem, StringComparison.Ordinal));

    private static ulong Hash(char kind, ReadOnlySpan<char> feature)
    {
        var hash = (FnvOffset ^ kind) * FnvPrime;
        foreach (var c in feature)
        {
            hash = (hash ^ c) * FnvPrime;
        }

        return hash;
    }
}
