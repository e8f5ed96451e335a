using System.Text.Json.Nodes;
using Spectre.Console;

namespace Hyperspace.Host.CommandLine;

/// <summary>JSON for people.</summary>
internal static class Print
{
    private const int MaxCell = 120;

    /// <summary>An object as a list of fields; nested ones with dotted names.</summary>
    public static void Fields(JsonNode? node)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        AddFields(grid, "", node!.AsObject());
        AnsiConsole.Write(grid);
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
            table.AddColumn(column);
        }

        foreach (var row in array)
        {
            table.AddRow([.. columns.Select(c => new Text(Cell(row![c])))]);
        }

        AnsiConsole.Write(table);
    }

    private static void AddFields(Grid grid, string prefix, JsonObject fields)
    {
        foreach (var (name, value) in fields)
        {
            if (value is JsonObject nested)
            {
                AddFields(grid, $"{prefix}{name}.", nested);
            }
            else if (value is not null)
            {
                grid.AddRow(new Text(prefix + name, new Style(Color.Grey)), new Text(Cell(value)));
            }
        }
    }

    private static string Cell(JsonNode? value)
    {
        var text = value switch
        {
            null => "",
            JsonArray array => string.Join(", ", array.Select(Cell)),
            JsonValue scalar when scalar.TryGetValue<string>(out var s) => s,
            _ => value.ToJsonString(),
        };
        return text.Length <= MaxCell ? text : text[..(MaxCell - 1)] + "…";
    }
}
