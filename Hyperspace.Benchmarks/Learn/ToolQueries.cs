using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What a user asked, and the tool that should serve it.</summary>
/// <param name="Text">The query.</param>
/// <param name="Tool">The tool's name.</param>
internal sealed record LabelledQuery(string Text, string Tool);

/// <summary>Queries to learn from and queries to be judged by; no query is in both.</summary>
internal sealed record QuerySplit(ImmutableArray<LabelledQuery> Train, ImmutableArray<LabelledQuery> HeldOut);

/// <summary>
/// Users' queries with the tool that serves each, and the tools' descriptions, as ToolE of MetaTool
/// (github.com/HowieHwong/MetaTool) has them: <c>plugin_des.json</c> is an object of name and description,
/// <c>queries.csv</c> has the columns Query and Tool.
/// </summary>
internal sealed record ToolQueries(ImmutableSortedDictionary<string, string> Tools, ImmutableArray<LabelledQuery> Queries)
{
    public const int HeldOut = 2000;
    private const string ToolsFile = "plugin_des.json";
    private const string QueriesFile = "queries.csv";

    /// <exception cref="InvalidDataException">A file is missing or is not as it should be; the message says which.</exception>
    public static ToolQueries Load(DirectoryInfo folder)
    {
        string Read(string name)
        {
            var path = Path.Combine(folder.FullName, name);
            return File.Exists(path) ? File.ReadAllText(path) : throw new InvalidDataException($"There is no {name} in the data folder; it holds {ToolsFile} and {QueriesFile} of ToolE.");
        }

        var tools = JsonSerializer.Deserialize<Dictionary<string, string>>(Read(ToolsFile)) ?? throw new InvalidDataException($"{ToolsFile} is empty.");
        return Parse(tools, Read(QueriesFile));
    }

    public static ToolQueries Parse(IReadOnlyDictionary<string, string> tools, string csv)
    {
        var known = tools.ToImmutableSortedDictionary(StringComparer.Ordinal);
        var rows = Rows(csv).ToList();
        if (rows is not [["Query", "Tool"], .. var data])
        {
            throw new InvalidDataException($"{QueriesFile} begins with the line Query,Tool.");
        }

        var queries = data.Select((row, i) => row is [var text, var tool] && known.ContainsKey(tool)
            ? new LabelledQuery(text, tool)
            : throw new InvalidDataException($"Record {i + 2} of {QueriesFile} is no query and a known tool.")).ToImmutableArray();
        return new ToolQueries(known, queries);
    }

    /// <summary>Another split for each seed. A text that occurs twice stays on one side.</summary>
    public QuerySplit Split(int seed, int heldOut = HeldOut)
    {
        var shuffled = Queries.DistinctBy(static q => q.Text, StringComparer.Ordinal).ToArray();
        new Random(seed).Shuffle(shuffled);
        return shuffled.Length > heldOut
            ? new QuerySplit([.. shuffled.Skip(heldOut)], [.. shuffled.Take(heldOut)])
            : throw new InvalidDataException($"{shuffled.Length} queries are too few to hold {heldOut} of them out.");
    }

    // RFC 4180: fields in quotes may have commas, line ends and doubled quotes.
    private static IEnumerable<List<string>> Rows(string csv)
    {
        var row = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < csv.Length; i++)
        {
            var c = csv[i];
            if (quoted)
            {
                if (c != '"')
                {
                    field.Append(c);
                }
                else if (i + 1 < csv.Length && csv[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"')
            {
                quoted = true;
            }
            else if (c is ',' or '\n')
            {
                row.Add(field.ToString());
                field.Clear();
                if (c == '\n')
                {
                    yield return row;
                    row = [];
                }
            }
            else if (c != '\r')
            {
                field.Append(c);
            }
        }

        if (field.Length > 0 || row.Count > 0)
        {
            row.Add(field.ToString());
            yield return row;
        }
    }
}
