namespace Hyperspace.Actors.Learning;

/// <summary>How much each author's word counts at this peer, in thousandths; asked once per author. Not for several threads.</summary>
/// <param name="self">This peer's id.</param>
/// <param name="weightOf">0 to 1 by peer id; this peer itself is not asked for.</param>
/// <param name="earnedBy">As much of that as is earned, not lent; null: all of it.</param>
internal sealed class AuthorWeights(string self, Func<string, double> weightOf, Func<string, double>? earnedBy = null)
{
    private readonly Dictionary<string, ulong> _known = new(StringComparer.Ordinal);

    /// <summary>This peer's id.</summary>
    public string Self => self;

    /// <summary>The weights for what cannot be taken back: without what strangers are lent.</summary>
    public AuthorWeights Earned => field ??= earnedBy is null ? this : new AuthorWeights(self, earnedBy);

    /// <summary>Everyone counts alike: what is left when nothing is known of peers.</summary>
    public static AuthorWeights Equal(string self) => new(self, _ => 1);

    /// <summary>0 to 1,000.</summary>
    public ulong Of(string author) => _known.TryGetValue(author, out var weight) ? weight : _known[author] = author == self
        ? WeighedEvidence.Unit
        : (ulong)Math.Round(Math.Clamp(weightOf(author), 0, 1) * WeighedEvidence.Unit);

    /// <summary>What is said by those whose word counts; by everyone while nobody's does.</summary>
    public IReadOnlyList<T> Heard<T>(IReadOnlyList<T> said, Func<T, string> authorOf)
    {
        var heard = said.Where(item => Of(authorOf(item)) > 0).ToList();
        return heard.Count > 0 ? heard : said;
    }
}
