using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Guard;

/// <summary>The secrets that a regular expression finds, in the order in which they are taken out.</summary>
internal static class RedactionPatterns
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    private const string QuerySecrets =
        "(?:api[_-]?key|(?:access_|auth_|id_|refresh_)?token|sig|signature|auth|password|passwd|pwd|secret|client_secret|session(?:id)?|sid|jwt|"
        + "x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential))";

    /// <summary>Credentials that are known by their form, or by a header.</summary>
    public static IReadOnlyList<RedactionPattern> Credentials { get; } =
    [
        Of("private-key", @"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)"),

        // Headers before what looks like their values: the scheme stays, since it tells how to call.
        Of("token", @"\bbearer\s+[A-Za-z0-9._~+/=-]{8,}", "Bearer [redacted:token]", RegexOptions.IgnoreCase),
        Of("token", @"(authorization\\*[""']?\s*[:=]\s*\\*[""']?(?:basic|token|apikey|bot|negotiate|ntlm)\s+)[^\s""'\\,;\[\]]+", "${1}[redacted:token]", RegexOptions.IgnoreCase),
        Of("token", @"(authorization\\*[""']?\s*[:=]\s*\\*[""']?(?:digest|aws4-hmac-sha256)\s)[^\r\n\[\]]+", "${1}[redacted:token]", RegexOptions.IgnoreCase),
        Of("token", @"(authorization\\*[""']?\s*[:=]\s*\\*[""']?(?:[A-Za-z][A-Za-z0-9-]{1,20}\s+)?)([A-Za-z0-9._~+/=:-]{16,})", "${1}[redacted:token]", RegexOptions.IgnoreCase, (_, match) => LooksRandom(match.Groups[2].ValueSpan)),
        Of("token", @"(\bx-(?:api-key|auth-token|amz-security-token|csrf-token)\\*[""']?\s*[:=]\s*\\*[""']?)[^\s""'\\,;\[\]]+", "${1}[redacted:token]", RegexOptions.IgnoreCase),
        Of("cookie", @"(\b(?:set-)?cookie\\*[""']?\s*[:=]\s*\\*[""']?)[^\s=;,""'\\\[\]]+=[^""'\\\r\n]+", "${1}[redacted:cookie]", RegexOptions.IgnoreCase),
        Of("token", @"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),

        Of("credentials", @"(\b[a-z][a-z0-9+.-]{0,31}://)[^\s/?#@""'\\<>:]*:[^\s/""'\\<>]*@", "${1}[redacted:credentials]@", RegexOptions.IgnoreCase),
        Of("credentials", @"(\b[a-z][a-z0-9+.-]{0,31}://)[^\s/?#@""'\\<>:\[]+:([^\s/@""'\\<>]+)/[^\s@""'\\<>]*@", "${1}[redacted:credentials]@", RegexOptions.IgnoreCase, (_, match) => !IsPort(match.Groups[2].ValueSpan)),
        Of("credentials", @"(\bhttps?://)[A-Za-z0-9_-]{16,}@", "${1}[redacted:credentials]@", RegexOptions.IgnoreCase),
        Of("secret", "([?&]" + QuerySecrets + @"=)[^\s&#""'\\<>\[\]]+", "${1}[redacted:secret]", RegexOptions.IgnoreCase),
        Of("secret", @"([?&](?:key|code)=)[A-Za-z0-9._~%+/-]{16,}", "${1}[redacted:secret]", RegexOptions.IgnoreCase),

        Of("api-key", @"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"),
        Of("api-key", @"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
        Of("api-key", @"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|xapp-|AIza|ya29\.|GOCSPX-|npm_|hf_|pypi-|shp(?:at|ca|pa|ss)_|do[opr]_v1_)[A-Za-z0-9._-]{16,}"),
        Of("api-key", @"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
        Of("private-key", @"\bAGE-SECRET-KEY-1[0-9A-Z]{40,}"),
        Of("private-key", @"\bnsec1[02-9ac-hj-np-z]{58}\b"),
        Of("private-key", @"\b[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{90,}"),
        Of("private-key", @"\b[5KL][1-9A-HJ-NP-Za-km-z]{50,51}\b"),

        // Words without quotes; other values of names are NamedSecrets.
        Of("secret", @"((?:(?:mnemonic|(?:seed|recovery)[ _-]?phrase)\s*(?:[:=]|is)|--?mnemonic)\s*)[a-z]{3,8}(?:\s+[a-z]{3,8}){11,23}", "${1}[redacted:secret]", RegexOptions.IgnoreCase),
    ];

    /// <summary>What tells who somebody is; taken out after credentials, which it may be a part of.</summary>
    public static IReadOnlyList<RedactionPattern> People { get; } =
    [
        Of("email", @"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
        Of("user", @"(/(?:home|Users)/)([^/\s""'\\:;,<>|*?()\[\]]+)", "${1}[redacted:user]", RegexOptions.None, IsHome),
        Of("user", @"([A-Za-z]:\\{1,4}(?:Users|Documents and Settings)\\{1,4})([^/\s""'\\:;,<>|*?()\[\]]+)", "${1}[redacted:user]", RegexOptions.IgnoreCase, IsHome),
    ];

    private static RedactionPattern Of(string kind, string pattern, string? replacement = null, RegexOptions options = RegexOptions.None, Func<string, Match, bool>? applies = null) =>
        new(kind, new Regex(pattern, Linear | options), replacement ?? $"[redacted:{kind}]", applies ?? ((_, _) => true));

    /// <summary>No word of a sentence, and no address.</summary>
    private static bool LooksRandom(ReadOnlySpan<char> text) => !text.Contains("://", StringComparison.Ordinal) && (text.ContainsAnyInRange('0', '9') || text[1..].ContainsAnyInRange('A', 'Z') || text.Length >= 24);

    /// <summary>A port, or what stands for one.</summary>
    private static bool IsPort(ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9') || text[0] is '$' or '{' or '%' || text.Equals("port", StringComparison.OrdinalIgnoreCase);

    /// <summary>A path of its own, not the middle of another one or of an address, and not of a user that every machine has.</summary>
    private static bool IsHome(string text, Match match) =>
        (match.Index == 0 || !(char.IsLetterOrDigit(text[match.Index - 1]) || text[match.Index - 1] is '.' or '_' or '-' or '~' or ']' or '}'))
        && match.Groups[2].Value is not ("Shared" or "Public" or "Default" or "All" or "." or "..");
}
