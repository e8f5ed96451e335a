using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>
/// JSON as RFC 8785 (JCS) writes it, members in the order of their UTF-16 code units and without blanks, so that two parties
/// write the same bytes. Numbers are whole and below 2^53: payments have no others.
/// </summary>
internal static class CanonicalJson
{
    private const long MaxInteger = (1L << 53) - 1;
    private const int MaxDepth = 32;

    /// <summary>How JSON from outside is read: bounded depth, no member twice, no comments.</summary>
    public static JsonDocumentOptions Strict { get; } = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <summary>The canonical text.</summary>
    /// <exception cref="FormatException">A number that is not whole, or is too large to be exact everywhere.</exception>
    public static string Write(JsonNode? value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    /// <summary>The canonical text's UTF-8 in base64url without padding, as MPP carries requests.</summary>
    public static string ToBase64Url(JsonNode value) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Write(value)));

    /// <summary>Reads base64url (padded or not) of a JSON object; null when it is none.</summary>
    public static JsonObject? FromBase64Url(string text)
    {
        try
        {
            return JsonNode.Parse(Base64Url.DecodeFromChars(text), documentOptions: Strict) as JsonObject;
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static void Append(StringBuilder text, JsonNode? value)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject members:
                text.Append('{');
                foreach (var (index, (name, member)) in members.OrderBy(m => m.Key, StringComparer.Ordinal).Index())
                {
                    AppendString(text.Append(index > 0 ? "," : ""), name);
                    Append(text.Append(':'), member);
                }

                text.Append('}');
                break;
            case JsonArray items:
                text.Append('[');
                foreach (var (index, item) in items.Index())
                {
                    Append(text.Append(index > 0 ? "," : ""), item);
                }

                text.Append(']');
                break;
            default:
                AppendScalar(text, value);
                break;
        }
    }

    private static void AppendScalar(StringBuilder text, JsonNode value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.String:
                AppendString(text, value.GetValue<string>());
                break;
            case JsonValueKind.True:
                text.Append("true");
                break;
            case JsonValueKind.False:
                text.Append("false");
                break;
            default:
                text.Append(long.TryParse(value.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) <= MaxInteger
                    ? number.ToString(CultureInfo.InvariantCulture)
                    : throw new FormatException("Only whole numbers below 2^53 have a canonical form here."));
                break;
        }
    }

    private static void AppendString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        text.Append('"');
    }
}
