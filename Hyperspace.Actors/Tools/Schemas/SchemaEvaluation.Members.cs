using System.Globalization;
using System.Text.Json;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>Objects and arrays: how many members they have, which ones, and what each has to fit.</summary>
internal sealed partial class SchemaEvaluation
{
    private void CheckObject(JsonElement node, JsonProperty keyword, JsonElement value, string path, List<SchemaError> errors)
    {
        var rule = keyword.Value;
        switch (keyword.Name)
        {
            case "properties":
                foreach (var property in rule.EnumerateObject())
                {
                    if (value.TryGetProperty(property.Name, out var member))
                    {
                        Check(property.Value, member, Child(path, property.Name), errors);
                    }
                }

                break;
            case "required" when rule.ValueKind == JsonValueKind.Array:
                foreach (var name in rule.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String && !value.TryGetProperty(n.GetString()!, out _)))
                {
                    errors.Add(new SchemaError(Child(path, name.GetString()!), "is missing"));
                }

                break;
            case "patternProperties":
                foreach (var pattern in rule.EnumerateObject())
                {
                    foreach (var member in value.EnumerateObject().Where(m => IsMatch(pattern.Name, m.Name)))
                    {
                        Check(pattern.Value, member.Value, Child(path, member.Name), errors);
                    }
                }

                break;
            case "additionalProperties":
                foreach (var member in value.EnumerateObject().Where(m => !IsNamed(node, m.Name)))
                {
                    if (rule.ValueKind == JsonValueKind.False)
                    {
                        errors.Add(new SchemaError(Child(path, member.Name), "is not a known property"));
                    }
                    else
                    {
                        Check(rule, member.Value, Child(path, member.Name), errors);
                    }
                }

                break;
            case "propertyNames":
                foreach (var member in value.EnumerateObject())
                {
                    Check(rule, JsonSerializer.SerializeToElement(member.Name), Child(path, member.Name), errors);
                }

                break;
            case "minProperties" when value.GetPropertyCount() < Limit(rule):
                errors.Add(new SchemaError(path, $"needs at least {rule} properties"));
                break;
            case "maxProperties" when value.GetPropertyCount() > Limit(rule):
                errors.Add(new SchemaError(path, $"has more than {rule} properties"));
                break;
            case "dependentRequired" or "dependentSchemas" or "dependencies" when rule.ValueKind == JsonValueKind.Object:
                foreach (var dependency in rule.EnumerateObject().Where(d => value.TryGetProperty(d.Name, out _)))
                {
                    CheckDependency(dependency, value, path, errors);
                }

                break;
            default:
                break;
        }
    }

    private void CheckDependency(JsonProperty dependency, JsonElement value, string path, List<SchemaError> errors)
    {
        if (dependency.Value.ValueKind != JsonValueKind.Array)
        {
            Check(dependency.Value, value, path, errors);
            return;
        }

        foreach (var name in dependency.Value.EnumerateArray().Where(n => n.ValueKind == JsonValueKind.String && !value.TryGetProperty(n.GetString()!, out _)))
        {
            errors.Add(new SchemaError(Child(path, name.GetString()!), $"is missing; '{dependency.Name}' needs it"));
        }
    }

    private void CheckArray(JsonElement node, JsonProperty keyword, JsonElement value, string path, List<SchemaError> errors)
    {
        var rule = keyword.Value;
        var count = value.GetArrayLength();
        switch (keyword.Name)
        {
            case "prefixItems":
            case "items" when rule.ValueKind == JsonValueKind.Array:
                for (var i = 0; i < Math.Min(count, rule.GetArrayLength()); i++)
                {
                    Check(rule[i], value[i], Child(path, i), errors);
                }

                break;
            case "items":
                CheckFrom(node.TryGetProperty("prefixItems", out var prefix) ? prefix.GetArrayLength() : 0, rule, value, path, errors);
                break;
            case "additionalItems" when node.TryGetProperty("items", out var tuple) && tuple.ValueKind == JsonValueKind.Array:
                CheckFrom(tuple.GetArrayLength(), rule, value, path, errors);
                break;
            case "minItems" when count < Limit(rule):
                errors.Add(new SchemaError(path, $"needs at least {rule} items"));
                break;
            case "maxItems" when count > Limit(rule):
                errors.Add(new SchemaError(path, $"has more than {rule} items"));
                break;
            case "uniqueItems" when rule.ValueKind == JsonValueKind.True && HasDuplicates(value):
                errors.Add(new SchemaError(path, "has the same item twice"));
                break;
            case "contains":
                var found = value.EnumerateArray().Count(item => Holds(rule, item, path));
                var least = node.TryGetProperty("minContains", out var min) ? Limit(min) : 1;
                if (found < least || (node.TryGetProperty("maxContains", out var max) && found > Limit(max)))
                {
                    errors.Add(new SchemaError(path, $"holds {found} items of the kind that 'contains' asks for"));
                }

                break;
            default:
                break;
        }
    }

    private void CheckFrom(int start, JsonElement rule, JsonElement value, string path, List<SchemaError> errors)
    {
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (index >= start)
            {
                Check(rule, item, Child(path, index), errors);
            }

            index++;
        }
    }

    private bool IsNamed(JsonElement node, string name) =>
        (node.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out _))
        || (node.TryGetProperty("patternProperties", out var patterns) && patterns.EnumerateObject().Any(p => IsMatch(p.Name, name)));

    private static bool HasDuplicates(JsonElement array)
    {
        var items = array.EnumerateArray().ToArray();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        return items.Length > 1024
            ? items.Any(item => !seen.TryAdd(item.GetRawText(), 0))
            : items.Where((item, i) => items.Skip(i + 1).Any(other => JsonElement.DeepEquals(item, other))).Any();
    }

    private static string Child(string path, string name) =>
        $"{path}/{Cut(name).Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

    private static string Child(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}/{index}");
}
