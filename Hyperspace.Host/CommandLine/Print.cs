using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Hyperspace.Host.CommandLine;

/// <summary>JSON for people.</summary>
internal static class Print
{
    private const int MaxCell = 120;
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>A width that no line reaches.</summary>
    public const int Unlimited = 100_000;

    /// <summary>An object as one line of JSON, or for people.</summary>
    public static void Fields(JsonObject fields, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(fields.ToJsonString(JsonText.Plain));
        }
        else
        {
            Fields(fields);
        }
    }

    /// <summary>An object as a list of fields; nested ones with dotted names. Lines are never broken, so that ids and addresses can be copied.</summary>
    public static void Fields(JsonNode? node)
    {
        var fields = Flatten("", node!.AsObject()).ToList();
        var width = fields.Max(f => f.Name.Length);
        foreach (var (name, value) in fields)
        {
            Console.Out.WriteLine($"{name.PadRight(width)}  {value}");
        }
    }

    /// <summary>An array of objects as a table of some of their fields.</summary>
    public static void Table(JsonNode? rows, IReadOnlyList<string> columns)
    {
        var array = rows?.AsArray() ?? [];
        if (array.Count == 0)
        {
            AnsiConsole.MarkupLine("[grey]none[/]");
            return;
        }

        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(column) { NoWrap = IsId(column) });
        }

        foreach (var row in array)
        {
            table.AddRow([.. columns.Select(c => new Spectre.Console.Text(Cell(row![c])))]);
        }

        AnsiConsole.Write(table);
    }

    /// <summary>
    /// A text of anybody's on one line of a terminal, which it can neither command nor break: control characters, line breaks among them, and
    /// characters that nobody sees or that turn the order of others are written as escapes, but for the joiners that scripts need. Pure;
    /// <c>--json</c> is exact.
    /// </summary>
    internal static string OnOneLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '\n' => line.Append(@"\n"),
                '\r' => line.Append(@"\r"),
                '\t' => line.Append(@"\t"),
                ZeroWidthNonJoiner or ZeroWidthJoiner => line.Append(rune),
                _ when Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator =>
                    rune.IsBmp ? line.Append(CultureInfo.InvariantCulture, $@"\u{rune.Value:x4}") : line.Append(CultureInfo.InvariantCulture, $@"\U{rune.Value:x8}"),
                _ => line.Append(rune),
            };
        }

        return line.ToString();
    }

    private static bool IsId(string column) => column is "id" or "name" || column.EndsWith("Id", StringComparison.Ordinal);

    private static IEnumerable<(string Name, string Value)> Flatten(string prefix, JsonObject fields) => fields
        .Where(f => f.Value is not null)
        .SelectMany(f => f.Value is JsonObject nested ? Flatten($"{prefix}{f.Key}.", nested) : [(OnOneLine(prefix + f.Key), Text(f.Value))]);

    private static string Text(JsonNode? value) => value switch
    {
        null => "",
        JsonArray array => string.Join(", ", array.Select(Text)),
        JsonValue scalar when scalar.TryGetValue<string>(out var s) => OnOneLine(s),
        _ => OnOneLine(value.ToJsonString(JsonText.Plain)),
    };

    private static string Cell(JsonNode? value)
    {
        var text = Text(value);
        return text.Length <= MaxCell ? text : text[..(MaxCell - 1)] + "…";
    }
}
