using System.Text.RegularExpressions;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// The form of a bullet in section "parameters", which people and programs read alike:
/// <c>Call docs-search with mode="any"; mode="all", or leaving it out, failed.</c> or
/// <c>Call docs-search without mode; mode="all" failed.</c>
/// </summary>
/// <param name="Tool">The tool's name, without its provider.</param>
/// <param name="Key">The parameter.</param>
/// <param name="JsonValue">Its value as JSON, or null when the parameter is to be left out.</param>
public sealed partial record ParameterAdvice(string Tool, string Key, string? JsonValue)
{
    /// <summary>The section that holds these bullets.</summary>
    public const string Section = "parameters";

    /// <summary>The bullet's text.</summary>
    /// <param name="failed">Values as JSON that failed; null for leaving the parameter out.</param>
    public string ToText(IReadOnlyList<string?> failed)
    {
        var values = failed.Where(value => value is not null).Select(value => $"{Key}={value}").ToList();
        var bad = string.Join(", ", values);
        var absent = failed.Contains(null) ? (values.Count == 0 ? "leaving it out" : ", or leaving it out,") : "";
        var advice = JsonValue is null ? $"Call {Tool} without {Key}" : $"Call {Tool} with {Key}={JsonValue}";
        return $"{advice}; {bad}{absent} failed.";
    }

    /// <summary>Reads what <see cref="ToText"/> wrote; null for any other text.</summary>
    public static ParameterAdvice? TryParse(string text)
    {
        var match = Form().Match(text);
        return match.Success
            ? new ParameterAdvice(match.Groups["tool"].Value, match.Groups["key"].Success ? match.Groups["key"].Value : match.Groups["without"].Value, match.Groups["value"].Success ? match.Groups["value"].Value : null)
            : null;
    }

    [GeneratedRegex("""^Call (?<tool>[A-Za-z0-9_.-]{1,128}) (?:with (?<key>[A-Za-z0-9_.-]{1,64})=(?<value>"(?:[^"\\]|\\.)*"|[a-z0-9.+-]{1,48})|without (?<without>[A-Za-z0-9_.-]{1,64}));""", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
