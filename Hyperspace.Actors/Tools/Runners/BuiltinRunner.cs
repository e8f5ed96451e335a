using System.Text.Json;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>One tool that comes with every peer.</summary>
internal interface IBuiltinTool
{
    /// <summary>The name in a configuration's "tool".</summary>
    string Name { get; }

    /// <summary>JSON Schema of its parameters, for whoever registers it without one.</summary>
    string InputSchema { get; }

    /// <summary>Null when the configuration is usable.</summary>
    Refusal? Accept(JsonElement configuration);

    /// <summary>Runs it with parameters that fit the registered schema, which need not be <see cref="InputSchema"/>: read with care.</summary>
    Task<ToolRun> RunAsync(JsonElement configuration, JsonElement parameters, CancellationToken cancellationToken);
}

/// <summary>Provider type "builtin": <c>{"tool": NAME, …}</c>.</summary>
internal sealed class BuiltinRunner(IEnumerable<IBuiltinTool> tools) : IToolRunner
{
    private readonly Dictionary<string, IBuiltinTool> _tools = tools.ToDictionary(t => t.Name, StringComparer.Ordinal);

    public string Type => "builtin";

    public string? SchemaOf(string configuration)
    {
        using var document = JsonDocument.Parse(configuration);
        return _tools[document.RootElement.TextOf("tool")!].InputSchema.Trim();
    }

    public Refusal? Accept(string configuration)
    {
        using var document = JsonDocument.Parse(configuration);
        return document.RootElement.TextOf("tool") is { } name && _tools.TryGetValue(name, out var tool)
            ? tool.Accept(document.RootElement)
            : new Refusal(ErrorCodes.InvalidParams, $"A builtin provider names its \"tool\": one of {string.Join(", ", _tools.Keys.Order(StringComparer.Ordinal))}.");
    }

    public ValueTask<Refusal?> PrepareAsync(ToolDefinition definition, string configuration, CancellationToken cancellationToken) => new((Refusal?)null);

    public async Task<ToolRun> RunAsync(ToolDefinition definition, string configuration, string parameters, CancellationToken cancellationToken)
    {
        using var config = JsonDocument.Parse(configuration);
        using var given = JsonDocument.Parse(parameters);
        return await _tools[config.RootElement.TextOf("tool")!].RunAsync(config.RootElement, given.RootElement, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>Reads members of JSON that may be anything.</summary>
internal static class JsonMembers
{
    public static string? TextOf(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool FlagOf(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    public static int NumberOf(this JsonElement element, string name, int fallback, int most) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? Math.Clamp(number, 1, most)
            : fallback;
}
