using System.Text.Json;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>
/// What the values of keywords without sub-schemas must look like (JSON Schema 2020-12 Validation, sections 6 to 9, and what draft-04
/// had instead: boolean <c>required</c> and <c>exclusiveMinimum</c>). Unknown keywords are annotations and may hold anything.
/// </summary>
internal static class KeywordShapes
{
    private static readonly string[] Types = ["array", "boolean", "integer", "null", "number", "object", "string"];

    /// <summary>Checks one keyword.</summary>
    /// <exception cref="FormatException">Its value has the wrong shape; the message names <paramref name="path"/>.</exception>
    public static void Check(JsonProperty keyword, string path)
    {
        var value = keyword.Value;
        switch (keyword.Name)
        {
            case "type":
                CheckType(value, path);
                break;
            case "enum":
                Require(value.ValueKind == JsonValueKind.Array, path, "an array");
                break;
            case "required" when value.ValueKind is not (JsonValueKind.True or JsonValueKind.False):
                CheckNames(value, path);
                break;
            case "dependentRequired":
                Require(value.ValueKind == JsonValueKind.Object, path, "an object");
                foreach (var names in value.EnumerateObject())
                {
                    CheckNames(names.Value, $"{path}/{names.Name}");
                }

                break;
            case "minLength" or "maxLength" or "minItems" or "maxItems" or "minContains" or "maxContains" or "minProperties" or "maxProperties":
                Require(NumberOf(value) is >= 0 and var count && Math.Floor(count) == count, path, "a whole number that is not negative");
                break;
            case "exclusiveMinimum" or "exclusiveMaximum" when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                break;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                Require(NumberOf(value) is not null, path, "a number");
                break;
            case "multipleOf":
                Require(NumberOf(value) > 0, path, "a number above zero");
                break;
            case "uniqueItems":
                Require(value.ValueKind is JsonValueKind.True or JsonValueKind.False, path, "true or false");
                break;
            case "title" or "description" or "format" or "$anchor" or "$id" or "$schema" or "$comment":
                Require(value.ValueKind == JsonValueKind.String, path, "a string");
                break;
            case "examples":
                Require(value.ValueKind == JsonValueKind.Array, path, "an array");
                break;
            default:
                break;
        }
    }

    /// <summary>Checks a list of properties' names.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static void CheckNames(JsonElement value, string path) =>
        Require(value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String), path, "an array of names");

    private static void CheckType(JsonElement value, string path)
    {
        var names = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
        Require(names.Count > 0 && names.TrueForAll(name => name.ValueKind == JsonValueKind.String), path, "a type's name or an array of them");
        if (names.ConvertAll(name => name.GetString()!).Find(name => !Types.Contains(name)) is { } unknown)
        {
            throw new FormatException($"'{path}' names the type '{(unknown.Length <= 80 ? unknown : unknown[..80] + "…")}', which is none of {string.Join(", ", Types)}.");
        }
    }

    private static double? NumberOf(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static void Require(bool fits, string path, string shape)
    {
        if (!fits)
        {
            throw new FormatException($"'{path}' must be {shape}.");
        }
    }
}
