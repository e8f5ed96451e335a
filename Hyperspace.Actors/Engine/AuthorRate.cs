namespace Hyperspace.Actors.Engine;

/// <summary>
/// Counts what each author sent within a window of time and says when it is too much. The clock is handed in. The
/// number of authors is bounded, too: identities cost nothing.
/// </summary>
internal sealed class AuthorRate(int perWindow, TimeSpan window, int maxAuthors)
{
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private DateTimeOffset _windowEnds = DateTimeOffset.MinValue;

    /// <summary>Counts one; false when this author, or the sum of new authors, is over the limit until the window ends.</summary>
    public bool Allows(string author, DateTimeOffset now)
    {
        // Also when the clock was put back; else the window would last until it is where it was.
        if (now >= _windowEnds || now < _windowEnds - window)
        {
            _counts.Clear();
            _windowEnds = now + window;
        }

        var count = _counts.GetValueOrDefault(author);
        if (count >= perWindow || (count == 0 && _counts.Count >= maxAuthors))
        {
            return false;
        }

        _counts[author] = count + 1;
        return true;
    }
}
