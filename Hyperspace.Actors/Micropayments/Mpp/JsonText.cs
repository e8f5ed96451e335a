using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>Reads members of JSON from outside, which may be anything.</summary>
internal static class JsonText
{
    /// <summary>A string member; null when it is missing or something else.</summary>
    public static string? Of(JsonObject json, string name) =>
        json.TryGetPropertyValue(name, out var value) && value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? text.GetValue<string>() : null;

    /// <summary>A whole number of 64 bits; null when it is missing or something else.</summary>
    public static ulong? NumberOf(JsonObject json, string name) =>
        json.TryGetPropertyValue(name, out var value) && value is JsonValue number && number.GetValueKind() == JsonValueKind.Number && ulong.TryParse(number.ToJsonString(), out var whole) ? whole : null;
}
