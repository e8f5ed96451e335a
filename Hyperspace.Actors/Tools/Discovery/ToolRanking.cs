using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>How well tools fit a query: BM25's rarity of words over weighted fields; pure and deterministic.</summary>
internal static class ToolRanking
{
    private const double Name = 1.0;
    private const double Tag = 0.9;
    private const double PartOfName = 0.8;
    private const double Description = 0.5;
    private const double WholeQuery = 0.25;

    // What only the words of the query find, and the matrix does not, comes after all that it finds.
    private const double Unproven = 0.001;

    /// <summary>
    /// The tools that fit, with scores between 0 and 1, best first, equal ones by reputation and id. With capabilities given a tool needs
    /// one of them; with only a query it needs one of its words; with neither all fit.
    /// </summary>
    /// <param name="query">What is to be done.</param>
    /// <param name="capabilities">Tags, of which a tool needs one.</param>
    /// <param name="tools">What was found.</param>
    /// <param name="matrix">The matrix' scores by tool id, which then stand for the query's; a tool that is named exactly comes first all the same. Null: there are none.</param>
    public static IReadOnlyList<DiscoveredTool> Rank(string? query, IReadOnlyList<string> capabilities, IReadOnlyCollection<DiscoveredTool> tools, IReadOnlyDictionary<string, double>? matrix = null)
    {
        var words = WordsOf(query);
        var wanted = capabilities.Select(c => c.ToLowerInvariant()).Distinct(StringComparer.Ordinal).ToList();
        var hits = tools.Select(t => (Tool: t, Hits: words.Select(w => Hit(t.Definition, w)).ToArray())).ToList();
        var rarity = words.Select((_, i) => Rarity(tools.Count, hits.Count(h => h.Hits[i] > 0))).ToArray();
        return
        [
            .. hits
                .Select(h => h.Tool with { Score = Score(h.Tool, query, words, h.Hits, rarity, wanted, matrix) })
                .Where(t => t.Score > 0 || (words.Count == 0 && wanted.Count == 0))
                .OrderByDescending(t => t.Score)
                .ThenByDescending(t => t.Reputation)
                .ThenBy(t => t.Id, StringComparer.Ordinal),
        ];
    }

    /// <summary>The words of a query, lower-case.</summary>
    public static IReadOnlyList<string> WordsOf(string? query) => [.. DocumentText.Words(query ?? "").Select(w => w.ToLowerInvariant())];

    private static double Score(DiscoveredTool found, string? query, IReadOnlyList<string> words, double[] hits, double[] rarity, IReadOnlyList<string> wanted, IReadOnlyDictionary<string, double>? matrix)
    {
        var tool = found.Definition;
        var share = wanted.Count == 0 ? 0 : wanted.Count(tool.Capabilities.Contains) / (double)wanted.Count;
        if (wanted.Count > 0 && share == 0)
        {
            return 0;
        }

        if (words.Count == 0)
        {
            return share;
        }

        var lexical = hits.Zip(rarity, (h, r) => h * r).Sum() / rarity.Sum();
        var exact = query!.Trim().Equals(tool.Name, StringComparison.OrdinalIgnoreCase) || tool.Capabilities.Contains(query.Trim().ToLowerInvariant());
        lexical = lexical * (1 - WholeQuery) + (exact ? WholeQuery : 0);
        if (matrix is not null)
        {
            lexical = query.Trim().Equals(tool.Name, StringComparison.OrdinalIgnoreCase) ? 1
                : matrix.TryGetValue(found.Id, out var score) ? score * (1 - Unproven)
                : lexical * Unproven;
        }

        return Math.Round(wanted.Count == 0 ? lexical : (0.6 * lexical) + (0.4 * share), 6);
    }

    private static double Hit(ToolDefinition tool, string word)
    {
        if (tool.Name.Equals(word, StringComparison.OrdinalIgnoreCase))
        {
            return Name;
        }

        if (tool.Capabilities.Contains(word))
        {
            return Tag;
        }

        if (WordsOf(tool.Name).Contains(word) || tool.Capabilities.Any(c => WordsOf(c).Contains(word)))
        {
            return PartOfName;
        }

        // Term frequency saturates, as in BM25 with k1 = 1.
        var times = WordsOf(tool.Description, word);
        return Description * times / (times + 0.5);
    }

    private static int WordsOf(string text, string word)
    {
        var count = 0;
        for (var at = text.IndexOf(word, StringComparison.OrdinalIgnoreCase); at >= 0; at = text.IndexOf(word, at + word.Length, StringComparison.OrdinalIgnoreCase))
        {
            count += at == 0 || !char.IsLetterOrDigit(text[at - 1]) ? 1 : 0;
        }

        return count;
    }

    private static double Rarity(int all, int with) => Math.Log(1 + ((all - with + 0.5) / (with + 0.5)));
}
