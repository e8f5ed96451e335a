using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>Compiles each schema once and validates parameters by it; bounded, safe for concurrent use.</summary>
internal sealed class SchemaCache
{
    /// <summary>Largest parameters, in characters.</summary>
    public const int MaxParams = 1024 * 1024;

    private const int Capacity = 1024;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, JsonSchema?> _compiled = new(StringComparer.Ordinal);

    /// <summary>Null when <paramref name="parameters"/> is a JSON object that fits <paramref name="schema"/> (an empty schema takes any object).</summary>
    public Refusal? Check(string schema, string parameters)
    {
        if (parameters.Length > MaxParams)
        {
            return new Refusal(ErrorCodes.TooLarge, $"The parameters have {parameters.Length} characters; at most {MaxParams} are taken.");
        }

        try
        {
            using var document = JsonDocument.Parse(parameters.Length == 0 ? "{}" : parameters, new JsonDocumentOptions { MaxDepth = JsonSchema.MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return new Refusal(ErrorCodes.InvalidParams, "The tool's parameters are a JSON object.");
            }

            if (schema.Length == 0)
            {
                return null;
            }

            if (Compiled(schema) is not { } compiled)
            {
                return new Refusal(ErrorCodes.InvalidParams, "The tool's schema can't be used, so its parameters can't be checked; ask its provider to register it again.");
            }

            var errors = compiled.Validate(document.RootElement);
            return errors.Count == 0 ? null : new Refusal(ErrorCodes.InvalidParams, "The parameters don't fit the tool's schema: " + string.Join("; ", errors) + ".");
        }
        catch (JsonException e)
        {
            return new Refusal(ErrorCodes.InvalidParams, "The tool's parameters are no JSON: " + e.Message);
        }
    }

    private JsonSchema? Compiled(string schema)
    {
        // Long schemas of other peers are kept by hash, so that a key costs no more than its schema's tree.
        var key = schema.Length <= 128 ? schema : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(schema)));
        lock (_gate)
        {
            if (_compiled.TryGetValue(key, out var known))
            {
                return known;
            }
        }

        JsonSchema.TryCompile(schema, out var compiled, out _);
        lock (_gate)
        {
            if (_compiled.Count >= Capacity)
            {
                _compiled.Clear();
            }

            _compiled[key] = compiled;
        }

        return compiled;
    }
}
