using System.Text.Json;
using System.Text.RegularExpressions;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>A tool step of a run, as reflection sees it.</summary>
/// <param name="Run">The run.</param>
/// <param name="Tool">The tool's name, without its provider.</param>
/// <param name="Provider">The provider's peer id, or empty.</param>
/// <param name="Ok">Whether the step succeeded.</param>
/// <param name="ErrorCode">The stable code that the error begins with, or empty.</param>
/// <param name="Parameters">Short scalar parameters by key, values as JSON; null when the input is no JSON object.</param>
internal sealed partial record ToolCall(KeptTrajectory Run, string Tool, string Provider, bool Ok, string ErrorCode, IReadOnlyDictionary<string, string>? Parameters)
{
    /// <summary>Most calls of one run that are looked at: the last ones, which led to the outcome.</summary>
    public const int MaxCalls = 32;

    private const int MaxParameters = 32;
    private const int MaxParsedLength = 4_096;
    private const int MaxValueLength = 32;

    /// <summary>The tool calls of a run; steps whose names have no tool's form are left out, since bullets quote them.</summary>
    public static IEnumerable<ToolCall> Of(KeptTrajectory run) =>
        from step in run.Parse().Steps.Where(step => step.Kind.Equals("tool", StringComparison.OrdinalIgnoreCase)).TakeLast(MaxCalls)
        let slash = step.Name.LastIndexOf('/')
        let tool = step.Name[(slash + 1)..]
        let provider = slash < 0 ? "" : step.Name[..slash]
        where ToolName().IsMatch(tool) && (provider.Length == 0 || ToolName().IsMatch(provider))
        select new ToolCall(run, tool, provider, step.Ok, step.Ok ? "" : CodeOf(step), ParametersOf(step.Input, run));

    private static string CodeOf(TrajectoryStep step) => LeadingCode().Match(step.Error).Groups[1].Value;

    /// <summary>
    /// Text that was made up for the run (sentences, long values, words of the task itself) teaches nothing about how
    /// to call the tool, so only short scalars that don't come from the input are kept.
    /// </summary>
    private static Dictionary<string, string>? ParametersOf(string input, KeptTrajectory run)
    {
        if (input.Length > MaxParsedLength)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(input, new JsonDocumentOptions { MaxDepth = 16 });
            return json.RootElement.ValueKind != JsonValueKind.Object ? null : json.RootElement.EnumerateObject()
                .Where(p => ParameterName().IsMatch(p.Name) && IsSetting(p.Value, run))
                .DistinctBy(p => p.Name)
                .Take(MaxParameters)
                .ToDictionary(p => p.Name, p => p.Value.GetRawText(), StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            return null; // Free text is a legitimate input; it has no parameters.
        }
    }

    private static bool IsSetting(JsonElement value, KeptTrajectory run) => value.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => true,
        JsonValueKind.Number => value.GetRawText().Length <= MaxValueLength,
        JsonValueKind.String => SettingValue().IsMatch(value.GetString()!) && !Terms.HashesOf(Terms.Of(value.GetString())).Any(run.Terms.Contains),
        _ => false,
    };

    [GeneratedRegex(@"^[A-Za-z0-9_.-]{1,128}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ToolName();

    [GeneratedRegex(@"^[A-Za-z0-9_.-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ParameterName();

    [GeneratedRegex(@"^[A-Za-z0-9_.:/+-]{1,32}\z", RegexOptions.CultureInvariant)]
    private static partial Regex SettingValue();

    [GeneratedRegex(@"^\W{0,2}([A-Z][A-Z0-9]*(?:_[A-Z0-9]+){0,6})\b", RegexOptions.CultureInvariant)]
    private static partial Regex LeadingCode();
}
