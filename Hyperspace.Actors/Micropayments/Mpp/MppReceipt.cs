using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>The payee's word, in <c>Payment-Receipt</c>, that a request was paid.</summary>
/// <param name="Method">How.</param>
/// <param name="Reference">What identifies the payment in that method.</param>
/// <param name="Timestamp">When.</param>
internal sealed record MppReceipt(string Method, string Reference, DateTimeOffset Timestamp)
{
    /// <summary>The header's name.</summary>
    public const string Header = "Payment-Receipt";

    /// <summary>Further members of the method's own.</summary>
    public JsonObject Details { get; init; } = [];

    /// <summary>As JSON.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["method"] = Method, ["reference"] = Reference, ["status"] = "success", ["timestamp"] = Rfc3339(Timestamp) };
        foreach (var (name, value) in Details)
        {
            json[name] = value?.DeepClone();
        }

        return json;
    }

    /// <summary>The header's value.</summary>
    public string ToHeader() => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(ToJson().ToJsonString()));

    /// <summary>Reads a header's value; null when it is none.</summary>
    public static MppReceipt? Read(string header) =>
        CanonicalJson.FromBase64Url(header) is { } json && JsonText.Of(json, "status") == "success"
        && JsonText.Of(json, "method") is { } method && JsonText.Of(json, "reference") is { } reference
        && DateTimeOffset.TryParse(JsonText.Of(json, "timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var timestamp)
            ? new MppReceipt(method, reference, timestamp) { Details = json }
            : null;

    /// <summary>A time of the wire: UTC, milliseconds.</summary>
    public static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
