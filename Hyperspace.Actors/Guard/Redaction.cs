using System.Text;
using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Guard;

/// <summary>A text without its secrets.</summary>
/// <param name="Text">What may leave.</param>
/// <param name="Found">How many secrets of each kind were replaced, by kind as in the placeholder <c>[redacted:kind]</c>.</param>
internal sealed record RedactedText(string Text, IReadOnlyDictionary<string, int> Found);

/// <summary>
/// Takes out of a text what must not leave the peer: credentials, keys, tokens and cookies, payment cards, IBANs, phone
/// numbers, e-mail addresses, seed phrases, addresses of private nets, and user names in paths. Pure, in linear time,
/// and idempotent. Public addresses and bare hashes stay: runs are made of them, and a hash looks like a hex key, so a
/// hex key is only known by its name.
/// </summary>
public static class Redaction
{
    private const int MaxRounds = 8;

    /// <summary>The text without its secrets.</summary>
    public static string Apply(string text) => Scan(text).Text;

    /// <summary>The text without its secrets, and what they were.</summary>
    internal static RedactedText Scan(string text)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);

        // What stood right beside a secret may be seen as one only after it is gone.
        for (var round = 0; round < MaxRounds && Pass(text, found) is var next && !ReferenceEquals(next, text); round++)
        {
            text = next;
        }

        return new RedactedText(text, found);
    }

    /// <summary>The text after all rules went over it once; the very text when none applied.</summary>
    private static string Pass(string text, Dictionary<string, int> found)
    {
        var before = found.Values.Sum();
        var passed = RedactionPatterns.Credentials.Aggregate(text, (rest, rule) => Replace(rest, rule, found));
        passed = NamedSecrets.All.Aggregate(passed, (rest, rule) => Replace(rest, rule, found));
        passed = RedactionPatterns.People.Aggregate(passed, (rest, rule) => Replace(rest, rule, found));
        foreach (var (kind, find) in RedactionScans.All)
        {
            passed = Cut(passed, kind, find, found);
        }

        return found.Values.Sum() == before ? text : passed;
    }

    private static string Replace(string text, RedactionPattern rule, Dictionary<string, int> found) => rule.Pattern.Replace(text, match =>
    {
        var replaced = rule.Applies(text, match) ? match.Result(rule.Replacement) : match.Value;
        if (replaced != match.Value)
        {
            Count(found, rule.Kind);
        }

        return replaced;
    });

    private static string Replace(string text, NamedSecret rule, Dictionary<string, int> found)
    {
        StringBuilder? cut = null;
        var copied = 0;
        for (var match = rule.Before.Match(text); match.Success;)
        {
            var next = match.Index + match.Length;
            if (NamedValue.At(text, next) is { } value && rule.Applies(text, match, value))
            {
                (cut ??= new StringBuilder()).Append(text, copied, value.Start - copied).Append("[redacted:").Append(rule.Kind).Append(']');
                Count(found, rule.Kind);
                copied = next = value.EndIn(text);
            }

            match = rule.Before.Match(text, next);
        }

        return cut?.Append(text, copied, text.Length - copied).ToString() ?? text;
    }

    private static string Cut(string text, string kind, SecretScan find, Dictionary<string, int> found)
    {
        StringBuilder? cut = null;
        var copied = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (find(text, i, copied) is var end && end > i)
            {
                (cut ??= new StringBuilder()).Append(text, copied, i - copied).Append("[redacted:").Append(kind).Append(']');
                Count(found, kind);
                copied = end;
                i = end - 1;
            }
        }

        return cut?.Append(text, copied, text.Length - copied).ToString() ?? text;
    }

    private static void Count(Dictionary<string, int> found, string kind) => found[kind] = found.GetValueOrDefault(kind) + 1;
}

/// <summary>A form of secret that a regular expression finds.</summary>
/// <param name="Kind">Its name in the placeholder.</param>
/// <param name="Pattern">Without backtracking.</param>
/// <param name="Replacement">As <see cref="Match.Result"/> takes it.</param>
/// <param name="Applies">Whether a match is meant, given the whole text: what comes before it cannot be looked at without backtracking.</param>
internal sealed record RedactionPattern(string Kind, Regex Pattern, string Replacement, Func<string, Match, bool> Applies);
