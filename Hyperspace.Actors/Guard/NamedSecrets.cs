using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Guard;

/// <summary>
/// The secrets that are known by the name before them: <c>password: x</c>, <c>"api_key": "x"</c> at any depth of escaping,
/// <c>DB_PASSWORD_PROD=x</c>, <c>--private-key x</c>, <c>["--token", "x"]</c>, <c>-u name:x</c>. Pure.
/// </summary>
internal static class NamedSecrets
{
    private const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;
    private const int MinTokenLength = 6;
    private const int MinBareTokenLength = 10;
    private const int MaxCountDigits = 9;
    private const int AddressLength = 42;

    // A token is many things (text, money, a symbol), so that its value has to look like a secret too.
    private const string Names =
        "(?:api[ _-]?key|(?:access|auth|refresh|session|bearer|id)[_-]?token|client[ _-]?secret|secret(?:[ _-]?(?:access[ _-]?)?key)?|account[ _-]?key"
        + "|shared[ _-]?access[ _-]?(?:key|signature)|password|passwd|passphrase|pwd|priv(?:ate)?[ _-]?key|mnemonic|seed[ _-]?phrase|recovery[ _-]?phrase|(?<token>token))";

    private const string Suffix = "(?<suffix>[_-][a-z0-9_-]{1,40})?";

    // What ends a suffix that tells of the secret, and is not one.
    private static readonly FrozenSet<string> About = FrozenSet.ToFrozenSet(
        [
            "age", "alg", "algorithm", "arn", "at", "attempts", "budget", "cost", "count", "enabled", "endpoint", "env", "expiry", "field", "file", "format", "hint", "id", "in", "index", "label", "len", "length",
            "limit", "limits", "max", "min", "name", "path", "policy", "position", "price", "prompt", "rate", "ref", "required", "reset", "rotation", "size", "status", "stdin", "strength", "total", "ttl", "type",
            "types", "uri", "url", "usage", "version",
        ],
        StringComparer.OrdinalIgnoreCase);

    // What follows an option in a text about it.
    private static readonly FrozenSet<string> Prose = FrozenSet.ToFrozenSet(
        [
            "a", "an", "and", "argument", "as", "at", "but", "by", "can", "does", "flag", "flags", "for", "from", "has", "if", "in", "instead", "into", "is", "it", "may", "must", "needs", "not", "of", "on", "option",
            "options", "or", "parameter", "should", "so", "takes", "than", "that", "the", "then", "to", "value", "was", "when", "which", "will", "with",
        ],
        StringComparer.Ordinal);

    private static readonly Regex Field = new($@"(?<name>{Names}){Suffix}(?: ?\([^()\r\n]{{1,32}}\))?(?<quote>\\*[""'`]?)\s*(?:=>|={{1,3}}|:\s*&?(?:str|string)\??\s*=|:=?)\s*", Linear);

    private static readonly Regex Option = new($@"--?(?:[a-z0-9]+[_-])*(?<name>{Names}){Suffix}(?:(?<quote>\\*[""'`])\s*,?\s*|[ \t]+(?:\\\r?\n[ \t]*)?)", Linear);

    private static readonly Regex Login = new(@"-(?:u|-user|-proxy-user)(?:(?<quote>\\*[""'`])\s*,?\s*|=|[ \t]+)", Linear);

    /// <summary>The rules: the kind that the placeholder names, what comes before a secret, and whether a value there is one.</summary>
    public static IReadOnlyList<NamedSecret> All { get; } = [new("secret", Field, IsField), new("secret", Option, IsOption), new("credentials", Login, IsLogin)];

    private static bool IsField(string text, Match match, NamedValue value)
    {
        if (!IsMeant(match, value))
        {
            return false;
        }

        var name = match.Groups["name"];
        var named = match.Groups["quote"].Length > 0 || name.ValueSpan.IndexOfAnyInRange('a', 'z') < 0
            || (name.Index > 0 && (text[name.Index - 1] is '_' or '-' || (char.IsAsciiLetterLower(text[name.Index - 1]) && char.IsAsciiLetterUpper(text[name.Index]))));
        return !match.Groups["token"].Success || IsToken(value, named);
    }

    private static bool IsOption(string text, Match match, NamedValue value) => IsOptionAt(text, match) && IsMeant(match, value)
        && !value.Head.StartsWith('-') && (value.Quoted || !Prose.Contains(value.Head)) && (!match.Groups["token"].Success || IsToken(value, named: true));

    /// <summary>A name and a password, unless they are a user and a group.</summary>
    private static bool IsLogin(string text, Match match, NamedValue value)
    {
        var colon = value.Head.IndexOf(':', StringComparison.Ordinal);
        return IsOptionAt(text, match) && colon > 0 && char.IsLetterOrDigit(value.Head[0]) && colon + 1 < value.Head.Length
            && value.Head[..colon] != value.Head[(colon + 1)..] && value.Head.AsSpan().ContainsAnyExcept("0123456789:");
    }

    private static bool IsOptionAt(string text, Match match)
    {
        var before = match.Index == 0 ? ' ' : text[match.Index - 1];

        // A quote that ends the option has begun it, else it ended a longer text.
        return match.Groups["quote"].Length > 0 ? before is '"' or '\'' or '`' : char.IsWhiteSpace(before) || before is '"' or '\'' or '`' or '(' or '[' or ',';
    }

    /// <summary>False for the properties of a secret: how long it is, where it lies.</summary>
    private static bool IsMeant(Match match, NamedValue value)
    {
        if (!match.Groups["suffix"].Success)
        {
            return true;
        }

        var suffix = match.Groups["suffix"].ValueSpan;
        return !About.Contains(suffix[(suffix.LastIndexOfAny('_', '-') + 1)..].ToString())
            && value.Head is not ("true" or "false" or "null" or "none" or "yes" or "no") && (value.Head.Length > 4 || value.Head.AsSpan().ContainsAnyExceptInRange('0', '9'));
    }

    private static bool IsToken(NamedValue value, bool named)
    {
        var text = value.Head.AsSpan();
        var digits = text.ContainsAnyInRange('0', '9');
        var isCount = !value.Quoted && text.Length <= MaxCountDigits && !text.ContainsAnyExcept("0123456789.,_%");
        var isAddress = text.Length == AddressLength && text.StartsWith("0x", StringComparison.Ordinal);
        return text.Length >= MinTokenLength && text[0] != '<' && !isCount && !isAddress
            && (named || (text.Length >= MinBareTokenLength && digits && text.ContainsAnyExcept("0123456789.,_%") && !text.Contains("://", StringComparison.Ordinal)));
    }
}

/// <summary>A secret that follows a name.</summary>
/// <param name="Kind">Its name in the placeholder.</param>
/// <param name="Before">What comes before the value, without backtracking.</param>
/// <param name="Applies">Whether a value there is meant, given the whole text.</param>
internal sealed record NamedSecret(string Kind, Regex Before, Func<string, Match, NamedValue, bool> Applies);
