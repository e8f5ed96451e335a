using System.Globalization;
using System.Text;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>
/// Parameters of an HTTP authentication scheme (RFC 9110, 11.2). Characters that a header cannot hold travel as <c>\uXXXX</c>
/// inside the quotes, as mppx writes them.
/// </summary>
internal static class AuthParams
{
    /// <summary><c>Scheme a="…", b="…"</c>; parameters without a value are left out.</summary>
    /// <exception cref="FormatException">A value has a control character.</exception>
    public static string Write(string scheme, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var text = new StringBuilder(scheme);
        var separator = " ";
        foreach (var (name, value) in parameters)
        {
            if (value is not null)
            {
                AppendQuoted(text.Append(separator).Append(name).Append('='), value);
                separator = ", ";
            }
        }

        return text.ToString();
    }

    /// <summary>The parameters of each challenge of a scheme in one header value, which may hold challenges of several schemes.</summary>
    /// <exception cref="FormatException">The value is no list of challenges.</exception>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Read(string header, string scheme)
    {
        var found = new List<IReadOnlyDictionary<string, string>>();
        Dictionary<string, string>? current = null;
        var at = 0;
        while (true)
        {
            SkipBlanksAndCommas(header, ref at);
            if (at == header.Length)
            {
                return found;
            }

            var token = Token(header, ref at);
            var afterToken = at;
            SkipBlanks(header, ref at);
            if (at < header.Length && header[at] == '=')
            {
                at++;
                SkipBlanks(header, ref at);
                var value = Value(header, ref at);
                if (current is not null && !current.TryAdd(token, value))
                {
                    throw new FormatException($"The parameter '{token}' is given twice.");
                }
            }
            else
            {
                // A token without '=' begins another challenge; its parameters are kept if it is of the scheme asked for.
                current = token.Equals(scheme, StringComparison.OrdinalIgnoreCase) ? new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) : null;
                if (current is not null)
                {
                    found.Add(current);
                }

                if (at > afterToken)
                {
                    PassToken68(header, ref at);
                }
            }
        }
    }

    private static void AppendQuoted(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                < ' ' or '\x7f' => throw new FormatException("A parameter cannot hold a control character."),
                > '\x7e' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        text.Append('"');
    }

    private static string Value(string text, ref int at)
    {
        if (at < text.Length && text[at] == '"')
        {
            at++;
            return Quoted(text, ref at);
        }

        var start = at;
        while (at < text.Length && text[at] is not (',' or ' ' or '\t'))
        {
            at++;
        }

        return text[start..at];
    }

    private static string Quoted(string text, ref int at)
    {
        var value = new StringBuilder();
        while (at < text.Length)
        {
            var c = text[at++];
            if (c == '"')
            {
                return value.ToString();
            }

            if (c != '\\' || at == text.Length)
            {
                value.Append(c);
                continue;
            }

            c = text[at++];
            if (c == 'u' && at + 4 <= text.Length && ushort.TryParse(text.AsSpan(at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit))
            {
                value.Append((char)unit);
                at += 4;
            }
            else
            {
                value.Append(c);
            }
        }

        throw new FormatException("A quoted parameter does not end.");
    }

    private static string Token(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || "!#$%&'*+-.^_`|~".Contains(text[at], StringComparison.Ordinal)))
        {
            at++;
        }

        return at > start ? text[start..at] : throw new FormatException($"A parameter's name is expected at {start}.");
    }

    /// <summary>A scheme's credentials may be one <c>token68</c> instead of parameters (RFC 9110, 11.2): it ends the challenge.</summary>
    private static void PassToken68(string text, ref int at)
    {
        var end = at;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || "-._~+/".Contains(text[end], StringComparison.Ordinal)))
        {
            end++;
        }

        var padding = end;
        while (end < text.Length && text[end] == '=')
        {
            end++;
        }

        if (padding > at && (end == text.Length || text[end] == ','))
        {
            at = end;
        }
    }

    private static void SkipBlanks(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t')
        {
            at++;
        }
    }

    private static void SkipBlanksAndCommas(string text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t' or ',')
        {
            at++;
        }
    }
}
