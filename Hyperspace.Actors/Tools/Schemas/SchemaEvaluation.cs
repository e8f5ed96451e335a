using System.Text.Json;
using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>One validation: walks schema and value together, counts its steps, and gives up when a hostile schema would take too many.</summary>
internal sealed partial class SchemaEvaluation(JsonSchema schema)
{
    private const int MaxSteps = 100_000;
    private int _steps;
    private int _depth;

    public IReadOnlyList<SchemaError> Run(JsonElement root, JsonElement value)
    {
        var errors = new List<SchemaError>();
        Check(root, value, "", errors);
        return errors;
    }

    private bool Holds(JsonElement node, JsonElement value, string path)
    {
        var errors = new List<SchemaError>();
        Check(node, value, path, errors);
        return errors.Count == 0;
    }

    private void Check(JsonElement node, JsonElement value, string path, List<SchemaError> errors)
    {
        if (errors.Count >= JsonSchema.MaxErrors || node.ValueKind == JsonValueKind.True)
        {
            return;
        }

        if (node.ValueKind == JsonValueKind.False)
        {
            errors.Add(new SchemaError(path, "is not allowed"));
            return;
        }

        if (++_steps > MaxSteps || _depth >= JsonSchema.MaxDepth * 2)
        {
            errors.Add(new SchemaError(path, "is too deep or too long to validate"));
            return;
        }

        _depth++;
        foreach (var keyword in node.EnumerateObject())
        {
            if (errors.Count >= JsonSchema.MaxErrors)
            {
                break;
            }

            CheckAny(node, keyword, value, path, errors);
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    CheckObject(node, keyword, value, path, errors);
                    break;
                case JsonValueKind.Array:
                    CheckArray(node, keyword, value, path, errors);
                    break;
                case JsonValueKind.String:
                    CheckString(keyword, value.GetString()!, path, errors);
                    break;
                case JsonValueKind.Number:
                    CheckNumber(node, keyword, value, path, errors);
                    break;
                default:
                    break;
            }
        }

        _depth--;
    }

    private void CheckAny(JsonElement node, JsonProperty keyword, JsonElement value, string path, List<SchemaError> errors)
    {
        var rule = keyword.Value;
        switch (keyword.Name)
        {
            case "$ref":
                Check(schema.References[rule.GetString()!], value, path, errors);
                break;
            case "type":
                var allowed = rule.ValueKind == JsonValueKind.String ? [rule.GetString()] : rule.EnumerateArray().Select(t => t.GetString()).ToArray();
                if (!allowed.Any(t => IsOfType(value, t)))
                {
                    errors.Add(new SchemaError(path, $"must be {string.Join(" or ", allowed)}, not {NameOf(value)}"));
                }

                break;
            case "const" when !JsonElement.DeepEquals(rule, value):
                errors.Add(new SchemaError(path, $"must be {Cut(rule.GetRawText())}"));
                break;
            case "enum" when !rule.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)):
                errors.Add(new SchemaError(path, $"must be one of {Cut(rule.GetRawText())}"));
                break;
            case "allOf":
                foreach (var part in rule.EnumerateArray())
                {
                    Check(part, value, path, errors);
                }

                break;
            case "anyOf":
                CheckAnyOf(rule, value, path, errors);
                break;
            case "oneOf":
                var matches = rule.EnumerateArray().Count(part => Holds(part, value, path));
                if (matches != 1)
                {
                    errors.Add(new SchemaError(path, $"must fit exactly one of {rule.GetArrayLength()} schemas, and fits {matches}"));
                }

                break;
            case "not" when Holds(rule, value, path):
                errors.Add(new SchemaError(path, "fits a schema that it must not fit"));
                break;
            case "if":
                if (node.TryGetProperty(Holds(rule, value, path) ? "then" : "else", out var branch))
                {
                    Check(branch, value, path, errors);
                }

                break;
            default:
                break;
        }
    }

    // When no alternative fits, the errors of the one that came closest say most.
    private void CheckAnyOf(JsonElement rule, JsonElement value, string path, List<SchemaError> errors)
    {
        List<SchemaError>? closest = null;
        foreach (var part in rule.EnumerateArray())
        {
            var own = new List<SchemaError>();
            Check(part, value, path, own);
            if (own.Count == 0)
            {
                return;
            }

            closest = closest is null || own.Count < closest.Count ? own : closest;
        }

        errors.Add(new SchemaError(path, $"fits none of {rule.GetArrayLength()} alternatives{(closest is null ? "" : $" (closest: {closest[0]})")}"));
    }

    private void CheckString(JsonProperty keyword, string value, string path, List<SchemaError> errors)
    {
        var rule = keyword.Value;
        switch (keyword.Name)
        {
            case "minLength" when value.EnumerateRunes().Count() < Limit(rule):
                errors.Add(new SchemaError(path, $"needs at least {rule} characters"));
                break;
            case "maxLength" when value.Length > Limit(rule) && value.EnumerateRunes().Count() > Limit(rule):
                errors.Add(new SchemaError(path, $"has more than {rule} characters"));
                break;
            case "pattern" when !IsMatch(rule.GetString()!, value):
                errors.Add(new SchemaError(path, $"does not match the pattern {Cut(rule.GetString()!)}"));
                break;
            case "format" when rule.ValueKind == JsonValueKind.String && !Formats.Fits(rule.GetString()!, value):
                errors.Add(new SchemaError(path, $"is not a valid {rule.GetString()}"));
                break;
            default:
                break;
        }
    }

    private static void CheckNumber(JsonElement node, JsonProperty keyword, JsonElement value, string path, List<SchemaError> errors)
    {
        var rule = keyword.Value;
        switch (keyword.Name)
        {
            case "minimum" when Compare(value, rule) < 0:
                errors.Add(new SchemaError(path, $"must be at least {rule}"));
                break;
            case "minimum" when Compare(value, rule) == 0 && node.TryGetProperty("exclusiveMinimum", out var flag) && flag.ValueKind == JsonValueKind.True:
                errors.Add(new SchemaError(path, $"must be greater than {rule}"));
                break;
            case "maximum" when Compare(value, rule) > 0:
                errors.Add(new SchemaError(path, $"must be at most {rule}"));
                break;
            case "maximum" when Compare(value, rule) == 0 && node.TryGetProperty("exclusiveMaximum", out var flag) && flag.ValueKind == JsonValueKind.True:
                errors.Add(new SchemaError(path, $"must be less than {rule}"));
                break;
            case "exclusiveMinimum" when rule.ValueKind == JsonValueKind.Number && Compare(value, rule) <= 0:
                errors.Add(new SchemaError(path, $"must be greater than {rule}"));
                break;
            case "exclusiveMaximum" when rule.ValueKind == JsonValueKind.Number && Compare(value, rule) >= 0:
                errors.Add(new SchemaError(path, $"must be less than {rule}"));
                break;
            case "multipleOf" when rule.ValueKind == JsonValueKind.Number && !IsMultiple(value, rule):
                errors.Add(new SchemaError(path, $"must be a multiple of {rule}"));
                break;
            default:
                break;
        }
    }

    private static bool IsOfType(JsonElement value, string? type) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && IsWhole(value),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => false,
    };

    private static string NameOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        var kind => kind.ToString().ToLowerInvariant(),
    };

    private bool IsMatch(string pattern, string value)
    {
        try
        {
            return schema.Patterns[pattern].IsMatch(value);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static int Compare(JsonElement a, JsonElement b)
    {
        if (b.ValueKind != JsonValueKind.Number)
        {
            return 1;
        }

        return a.TryGetDecimal(out var x) && b.TryGetDecimal(out var y) ? x.CompareTo(y) : a.GetDouble().CompareTo(b.GetDouble());
    }

    private static bool IsWhole(JsonElement value) =>
        value.TryGetDecimal(out var number) ? number == decimal.Truncate(number) : value.GetDouble() is var d && Math.Floor(d) == d;

    private static bool IsMultiple(JsonElement value, JsonElement rule) =>
        value.TryGetDecimal(out var x) && rule.TryGetDecimal(out var y) && y != 0
            ? x % y == 0
            : Math.Abs(Math.IEEERemainder(value.GetDouble(), rule.GetDouble())) < 1e-9;

    private static long Limit(JsonElement rule) => rule.ValueKind == JsonValueKind.Number && rule.TryGetDouble(out var limit) ? (long)limit : 0;

    private static string Cut(string text) => text.Length <= 200 ? text : text[..200] + "…";
}
