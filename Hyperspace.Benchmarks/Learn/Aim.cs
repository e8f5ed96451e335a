using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What liars are after: that one tool comes first for the queries of another.</summary>
/// <param name="Promoted">The tool that is to come first.</param>
/// <param name="Rival">The tool that serves the queries.</param>
/// <param name="Told">What the liars say that the promoted tool served: the rival's queries in the words that others' hardly have, so that nobody honest has an opinion of the tool for them.</param>
/// <param name="HeldOut">Those by which their success is judged.</param>
internal sealed partial record Aim(string Promoted, string Rival, ImmutableArray<string> Told, ImmutableArray<LabelledQuery> HeldOut)
{
    // Of a tool with fewer the share says little.
    private const int LeastHeldOut = 15;

    // Of all queries with a word, the rival's are so many times as many as they would be by chance.
    private const double Telling = 10;

    /// <summary>Another tool and another rival for each seed.</summary>
    /// <param name="tools">The tools' names.</param>
    /// <param name="split">The queries.</param>
    /// <param name="seed">Of the experiment.</param>
    public static Aim Of(IReadOnlyList<string> tools, QuerySplit split, int seed)
    {
        var random = new Random(seed);
        var promoted = tools[random.Next(tools.Count)];
        var known = split.Train.ToLookup(static q => LearnPeer.NameOf(q.Tool), StringComparer.Ordinal);
        var heldOut = split.HeldOut.ToLookup(static q => LearnPeer.NameOf(q.Tool), StringComparer.Ordinal);
        var rivals = tools.Where(t => t != promoted && known.Contains(t)).ToList();
        var least = Math.Min(LeastHeldOut, rivals.Max(t => heldOut[t].Count()));
        var asked = rivals.Where(t => heldOut[t].Count() >= least).ToList();
        var rival = asked[random.Next(asked.Count)];
        return new Aim(promoted, rival, [.. ToldOf(split.Train, [.. known[rival]])], [.. heldOut[rival]]);
    }

    /// <summary>The promoted tool served a query of its rival's well, says the liar. It does not slander the rival: honest peers would contradict that.</summary>
    /// <param name="number">Which of the queries.</param>
    public BanditRun Praise(int number) => new(new LabelledQuery(Told[number % Told.Length], Rival), Promoted, Ok: true);

    /// <summary>The share of the rival's held-out queries for which the promoted tool comes first.</summary>
    public double Success(Func<string, string?> first) => HeldOut.Count(q => first(q.Text) == Promoted) / (double)HeldOut.Length;

    private static IEnumerable<string> ToldOf(ImmutableArray<LabelledQuery> all, IReadOnlyCollection<LabelledQuery> rivals)
    {
        var everywhere = all.SelectMany(static q => WordsOf(q.Text)).CountBy(static w => w, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var here = rivals.SelectMany(static q => WordsOf(q.Text)).CountBy(static w => w, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var usual = rivals.Count / (double)all.Length;
        var told = rivals.Select(q => string.Join(' ', WordsOf(q.Text).Where(w => here[w] > Telling * usual * everywhere[w]))).Where(static t => t.Length > 0).ToList();
        return told.Count > 0 ? told : rivals.Select(static q => q.Text);
    }

    private static IEnumerable<string> WordsOf(string text) => Words().Matches(text.ToLowerInvariant()).Select(static m => m.Value).Distinct(StringComparer.Ordinal);

    [GeneratedRegex(@"\p{L}+")]
    private static partial Regex Words();
}
