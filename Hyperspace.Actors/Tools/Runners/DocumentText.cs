using System.Text;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>A piece of a document small enough to read at once.</summary>
/// <param name="Title">The document's first heading, or its file name.</param>
/// <param name="Heading">The heading that the passage stands under; empty before the first.</param>
/// <param name="Line">Its first line, from 1.</param>
/// <param name="Text">Its paragraphs.</param>
internal sealed record Passage(string Title, string Heading, int Line, string Text);

/// <summary>Cuts documents into passages along headings and paragraphs; pure.</summary>
internal static class DocumentText
{
    /// <summary>Longest passage, in characters; a longer paragraph is cut.</summary>
    public const int MaxPassage = 1500;

    /// <summary>The passages of a document in order.</summary>
    public static IReadOnlyList<Passage> Split(string fileName, string text)
    {
        var passages = new List<Passage>();
        var title = "";
        var heading = "";
        var current = new StringBuilder();
        var start = 1;
        var number = 0;
        var fenced = false;

        void Flush()
        {
            var body = current.ToString().Trim();
            if (body.Length > 0)
            {
                passages.Add(new Passage("", heading, start, body));
            }

            current.Clear();
        }

        foreach (var raw in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = raw.Length > MaxPassage ? raw[..MaxPassage] : raw;
            fenced ^= line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            if (!fenced && HeadingOf(line) is { } found)
            {
                Flush();
                heading = found;
                title = title.Length == 0 ? found : title;
                start = number;
                continue;
            }

            // A passage ends at a blank line once it is long enough, and anywhere when it is full.
            var full = current.Length + line.Length + 1 > MaxPassage;
            if (full || (line.IsWhiteSpace() && !fenced && current.Length > MaxPassage / 2))
            {
                Flush();
            }

            if (current.Length == 0)
            {
                start = number;
            }

            current.Append(line).Append('\n');
        }

        Flush();
        var name = title.Length > 0 ? title : fileName;
        return passages.ConvertAll(p => p with { Title = name });
    }

    /// <summary>The words of a user's query: letters and digits only, so that none is an operator of the query language.</summary>
    public static IReadOnlyList<string> Words(string query, int most = 32)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        foreach (var rune in query.EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune))
            {
                word.Append(rune.ToString());
            }
            else if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }

        if (word.Length > 0)
        {
            words.Add(word.ToString());
        }

        return words.Distinct(StringComparer.OrdinalIgnoreCase).Take(most).ToList();
    }

    private static string? HeadingOf(ReadOnlySpan<char> line)
    {
        var level = line.IndexOfAnyExcept('#');
        return level is >= 1 and <= 6 && line[level] == ' ' && line[level..].Trim() is { Length: > 0 } text ? text.TrimEnd('#').TrimEnd().ToString() : null;
    }
}
