using System.Text.RegularExpressions;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// Takes out of a text what must not leave the peer: e-mail addresses, bearer tokens, API keys of well-known forms,
/// private keys, and values beside a name such as <c>password</c>. Pure, in linear time, and idempotent.
/// </summary>
public static class Redaction
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
    private const string SecretNames = @"(?:api[_-]?key|access[_-]?token|auth[_-]?token|refresh[_-]?token|client[_-]?secret|secret|password|passwd|private[_-]?key|mnemonic)";

    private static readonly (Regex Pattern, string Replacement)[] Rules =
    [
        (new Regex(@"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", Linear), "[redacted:private-key]"),
        (new Regex(@"\bbearer\s+[A-Za-z0-9._~+/=-]{8,}", Linear | RegexOptions.IgnoreCase), "Bearer [redacted:token]"),
        (new Regex(@"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", Linear), "[redacted:token]"),
        (new Regex(@"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}", Linear), "[redacted:api-key]"),
        (new Regex(@"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", Linear), "[redacted:api-key]"),
        (new Regex(@"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AIza)[A-Za-z0-9_-]{16,}", Linear), "[redacted:api-key]"),
        (new Regex("(" + SecretNames + @"\\?[""']?\s*[:=]\s*\\?"")[^""\\\n]+", Linear | RegexOptions.IgnoreCase), "${1}[redacted:secret]"),
        (new Regex("(" + SecretNames + @"[""']?\s*[:=]\s*')[^'\n]+", Linear | RegexOptions.IgnoreCase), "${1}[redacted:secret]"),
        (new Regex("(" + SecretNames + @"\s*[:=]\s*)[^\s""'\\,;}\]\[]+", Linear | RegexOptions.IgnoreCase), "${1}[redacted:secret]"),
        (new Regex(@"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", Linear), "[redacted:email]"),
    ];

    /// <summary>The text without its secrets.</summary>
    public static string Apply(string text)
    {
        foreach (var (pattern, replacement) in Rules)
        {
            text = pattern.Replace(text, replacement);
        }

        return text;
    }
}
