namespace Hyperspace.Actors.Learning;

/// <summary>How much each author's word counts at this peer, in thousandths; asked once per author. Not for several threads.</summary>
/// <param name="self">This peer's id.</param>
/// <param name="weightOf">0 to 1 by peer id; this peer itself is not asked for.</param>
internal sealed class AuthorWeights(string self, Func<string, double> weightOf)
{
    private readonly Dictionary<string, ulong> _known = new(StringComparer.Ordinal);

    /// <summary>This peer's id.</summary>
    public string Self => self;

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
