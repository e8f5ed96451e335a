namespace Hyperspace.Actors.Guard;

/// <summary>A value that stands behind a name, in the notations of JSON, YAML, programs, shells and connection strings.</summary>
/// <param name="Start">Where it begins, behind its quote.</param>
/// <param name="Quote">Its quote; null when it has none.</param>
/// <param name="Escapes">How many backslashes are before its quote.</param>
/// <param name="Head">Its first characters, as they are escaped. What is decided from them takes bounded time.</param>
internal readonly record struct NamedValue(int Start, char? Quote, int Escapes, string Head)
{
    private const int MaxHead = 64;
    private const int MaxNextName = 64;
    private const string Placeholder = "[redacted:";

    /// <summary>It stands in quotes.</summary>
    public bool Quoted => Quote is not null;

    /// <summary>The value that begins at <paramref name="at"/>; null when there is none, or another structure, or it is taken out already.</summary>
    public static NamedValue? At(string text, int at)
    {
        var begin = at;
        while (begin < text.Length && text[begin] == '\\')
        {
            begin++;
        }

        var quoted = begin < text.Length && text[begin] is '"' or '\'' or '`';
        var value = quoted ? new NamedValue(begin + 1, text[begin], begin - at, "") : new NamedValue(at, null, 0, "");
        var end = value.EndIn(text, Math.Min(text.Length, value.Start + MaxHead));
        return end == value.Start || text.AsSpan(value.Start).StartsWith(Placeholder, StringComparison.Ordinal) ? null : value with { Head = text[value.Start..end] };
    }

    /// <summary>Where it ends, before its quote.</summary>
    public int EndIn(string text) => EndIn(text, text.Length);

    private int EndIn(string text, int limit) => Quote is { } quote ? QuotedEnd(text, Start, limit, quote, Escapes) : BareEnd(text, Start, limit);

    /// <summary>
    /// Where a quoted value ends: at its quote with as many backslashes as the opening one had, or at the quote with fewer that ends
    /// the text around it, or with the line. An escaped quote inside has <paramref name="escapes"/> + 1 more backslashes.
    /// </summary>
    private static int QuotedEnd(string text, int start, int limit, char quote, int escapes)
    {
        for (var i = start; i < limit; i++)
        {
            var run = i;
            while (i < limit && text[i] == '\\')
            {
                i++;
            }

            if (i == limit || text[i] == '\n')
            {
                return run;
            }

            var backslashes = i - run;
            if (text[i] == quote && (backslashes < escapes || (backslashes - escapes) % (2 * (escapes + 1)) == 0))
            {
                // Backslashes that the value itself ends with are its own.
                return backslashes < escapes ? run : i - escapes;
            }
        }

        return limit;
    }

    /// <summary>Where a value without quotes ends: with what can't be in the middle of one, or with punctuation that nothing of it follows.</summary>
    private static int BareEnd(string text, int start, int limit)
    {
        if (start < text.Length && (text[start] is ':' or ',' or ';' or ')' or ']' or '}' || (text[start] is '{' or '[' && EndsAt(text, start + 1))))
        {
            return start;
        }

        for (var i = start; i < limit; i++)
        {
            if (char.IsWhiteSpace(text[i]) || text[i] is '"' or '\'' or '\\' || (text[i] is ',' or ';' or ')' or ']' or '}' or '`' && EndsAt(text, i + 1)))
            {
                return i;
            }
        }

        return limit;
    }

    /// <summary>Nothing of the value is at <paramref name="i"/>: the text, the line or the word ends, or another name begins.</summary>
    private static bool EndsAt(string text, int i)
    {
        if (i >= text.Length || char.IsWhiteSpace(text[i]) || text[i] is '"' or '\'' or '\\' or '`' or ',' or ';' or ')' or ']' or '}')
        {
            return true;
        }

        var name = i;
        while (i < text.Length && i - name <= MaxNextName && (char.IsLetterOrDigit(text[i]) || text[i] is '_' or '-' or '.'))
        {
            i++;
        }

        return i > name && i < text.Length && text[i] is ':' or '=';
    }
}
