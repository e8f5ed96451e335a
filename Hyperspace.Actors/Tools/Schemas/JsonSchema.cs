using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>One way in which a value breaks a schema.</summary>
/// <param name="Path">JSON pointer to the value; empty for the whole.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record SchemaError(string Path, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{(Path.Length == 0 ? "(the parameters)" : Path)} {Reason}";
}

/// <summary>
/// A JSON Schema (draft-07 and 2020-12 validation vocabularies) that was checked once and validates many values; safe for
/// concurrent use. Only local <c>$ref</c>s are followed: nothing is ever fetched. See docs/decisions/ADR-0003-json-schema.md.
/// </summary>
public sealed class JsonSchema
{
    /// <summary>Largest schema, in UTF-8 bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Most errors that are told.</summary>
    public const int MaxErrors = 16;

    internal const int MaxDepth = 64;

    private readonly JsonElement _root;
    private readonly Dictionary<string, JsonElement> _references = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonElement> _anchors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Regex> _patterns = new(StringComparer.Ordinal);

    private JsonSchema(JsonElement root) => _root = root;

    internal IReadOnlyDictionary<string, JsonElement> References => _references;

    internal IReadOnlyDictionary<string, Regex> Patterns => _patterns;

    /// <summary>Reads a schema; false with a sentence when it is no schema, too large, or refers to something outside itself.</summary>
    public static bool TryCompile(string json, [NotNullWhen(true)] out JsonSchema? schema, out string error)
    {
        schema = null;
        if (Encoding.UTF8.GetByteCount(json) > MaxBytes)
        {
            error = $"A schema has at most {MaxBytes} bytes.";
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            var candidate = new JsonSchema(document.RootElement.Clone());
            candidate.CollectAnchors(candidate._root);
            candidate.Compile(candidate._root, "");
            schema = candidate;
            error = "";
            return true;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            error = "The schema is not usable: " + e.Message;
            return false;
        }
    }

    /// <summary>How <paramref name="value"/> breaks the schema; empty when it doesn't.</summary>
    public IReadOnlyList<SchemaError> Validate(JsonElement value) => new SchemaEvaluation(this).Run(_root, value);

    private void CollectAnchors(JsonElement node)
    {
        if (node.ValueKind == JsonValueKind.Object)
        {
            if (node.TryGetProperty("$anchor", out var anchor) && anchor.ValueKind == JsonValueKind.String)
            {
                _anchors[anchor.GetString()!] = node;
            }

            foreach (var property in node.EnumerateObject())
            {
                CollectAnchors(property.Value);
            }
        }
        else if (node.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in node.EnumerateArray())
            {
                CollectAnchors(item);
            }
        }
    }

    // Walks sub-schemas only: what stands under enum, const, default and examples is data, not schema.
    private void Compile(JsonElement node, string at)
    {
        if (node.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (node.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{(at.Length == 0 ? "It" : $"'{at}'")} must be an object or a boolean.");
        }

        foreach (var keyword in node.EnumerateObject())
        {
            var path = $"{at}/{keyword.Name}";
            switch (keyword.Name)
            {
                case "$ref":
                    AddReference(Text(keyword.Value, path));
                    break;
                case "pattern":
                    AddPattern(Text(keyword.Value, path));
                    break;
                case "patternProperties":
                    foreach (var property in Members(keyword.Value, path))
                    {
                        AddPattern(property.Name);
                        Compile(property.Value, $"{path}/{property.Name}");
                    }

                    break;
                case "properties" or "$defs" or "definitions" or "dependentSchemas":
                    foreach (var property in Members(keyword.Value, path))
                    {
                        Compile(property.Value, $"{path}/{property.Name}");
                    }

                    break;
                case "dependencies":
                    foreach (var property in Members(keyword.Value, path))
                    {
                        if (property.Value.ValueKind == JsonValueKind.Array)
                        {
                            KeywordShapes.CheckNames(property.Value, $"{path}/{property.Name}");
                        }
                        else
                        {
                            Compile(property.Value, $"{path}/{property.Name}");
                        }
                    }

                    break;
                case "allOf" or "anyOf" or "oneOf" or "prefixItems":
                    CompileAll(keyword.Value, path);
                    break;
                case "items" when keyword.Value.ValueKind == JsonValueKind.Array:
                    CompileAll(keyword.Value, path);
                    break;
                case "items" or "additionalItems" or "additionalProperties" or "contains" or "propertyNames" or "not" or "if" or "then" or "else":
                    Compile(keyword.Value, path);
                    break;
                default:
                    KeywordShapes.Check(keyword, path);
                    break;
            }
        }
    }

    private void CompileAll(JsonElement list, string path)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException($"'{path}' must be an array.");
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            Compile(item, $"{path}/{index++}");
        }
    }

    private void AddReference(string reference)
    {
        if (_references.ContainsKey(reference))
        {
            return;
        }

        if (!reference.StartsWith('#'))
        {
            throw new FormatException($"'$ref' to '{reference}' points outside the schema; only references into it are followed, so put the definition under $defs.");
        }

        var target = _root;
        if (reference.StartsWith("#/", StringComparison.Ordinal))
        {
            foreach (var part in reference[2..].Split('/'))
            {
                var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
                target = target.ValueKind switch
                {
                    JsonValueKind.Object when target.TryGetProperty(name, out var member) => member,
                    JsonValueKind.Array when int.TryParse(name, out var index) && index >= 0 && index < target.GetArrayLength() => target[index],
                    _ => throw new FormatException($"'$ref' to '{reference}' finds nothing."),
                };
            }
        }
        else if (reference.Length > 1 && !_anchors.TryGetValue(reference[1..], out target))
        {
            throw new FormatException($"'$ref' to '{reference}' finds no such $anchor.");
        }

        _references[reference] = target;
        Compile(target, reference);
    }

    private void AddPattern(string pattern)
    {
        if (_patterns.ContainsKey(pattern))
        {
            return;
        }

        try
        {
            _patterns[pattern] = LinearOrTimed(pattern);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"The pattern '{pattern}' is no regular expression that .NET reads: {e.Message}", e);
        }
    }

    // The linear-time engine knows no look-around or back-references; patterns that use them run under a time limit.
    private static Regex LinearOrTimed(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(250));
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromMilliseconds(50));
        }
    }

    private static string Text(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new FormatException($"'{path}' must be a string.");

    private static JsonElement.ObjectEnumerator Members(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : throw new FormatException($"'{path}' must be an object.");
}
