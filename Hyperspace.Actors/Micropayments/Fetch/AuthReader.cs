using System.Globalization;
using System.Text;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>
/// Reads a <c>WWW-Authenticate</c> value (RFC 9110 section 11.6.1): schemes, and the parameters of each. Characters above
/// Latin-1 travel in quoted strings as <c>\uXXXX</c> (MPP).
/// </summary>
internal sealed class AuthReader(string header)
{
    private int _at;

    /// <summary>The next scheme, or the next parameter of the scheme before; false at the end.</summary>
    /// <exception cref="FormatException">Neither.</exception>
    public bool Next(out string? scheme, out string? name, out string? value)
    {
        (scheme, name, value) = (null, null, null);
        Skip(static c => c is ' ' or '\t' or ',');
        if (_at == header.Length)
        {
            return false;
        }

        var token = Token();
        var afterToken = _at;
        Skip(static c => c is ' ' or '\t');
        if (_at < header.Length && header[_at] == '=' && !IsToken68(afterToken))
        {
            _at++;
            Skip(static c => c is ' ' or '\t');
            (name, value) = (token, _at < header.Length && header[_at] == '"' ? Quoted() : Token());
            return true;
        }

        // A scheme, whose credentials may be one token68 instead of parameters.
        scheme = token;
        if (_at > afterToken)
        {
            PassToken68();
        }

        return true;
    }

    // "scheme abc==" : what follows the token are only padding signs up to the end of the element.
    private bool IsToken68(int at)
    {
        var end = at;
        while (end < header.Length && header[end] == '=')
        {
            end++;
        }

        return end > at && (end == header.Length || header[end] == ',');
    }

    private void PassToken68()
    {
        var start = _at;
        Skip(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~' or '+' or '/');
        var end = _at;
        Skip(static c => c == '=');
        if (end == start || !(_at == header.Length || header[_at] == ','))
        {
            _at = start;
        }
    }

    private string Token()
    {
        var start = _at;
        Skip(static c => char.IsAsciiLetterOrDigit(c) || c is '!' or '#' or '$' or '%' or '&' or '\'' or '*' or '+' or '-' or '.' or '^' or '_' or '`' or '|' or '~');
        return _at > start ? header[start.._at] : throw new FormatException("WWW-Authenticate cannot be read.");
    }

    private string Quoted()
    {
        var text = new StringBuilder();
        for (_at++; _at < header.Length; _at++)
        {
            switch (header[_at])
            {
                case '"':
                    _at++;
                    return text.ToString();
                case '\\' when _at + 1 < header.Length:
                    _at++;
                    if (header[_at] == 'u' && _at + 4 < header.Length && ushort.TryParse(header.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                    {
                        text.Append((char)code);
                        _at += 4;
                    }
                    else
                    {
                        text.Append(header[_at]);
                    }

                    break;
                default:
                    text.Append(header[_at]);
                    break;
            }
        }

        throw new FormatException("WWW-Authenticate has a quoted string without end.");
    }

    private void Skip(Func<char, bool> which)
    {
        while (_at < header.Length && which(header[_at]))
        {
            _at++;
        }
    }
}
