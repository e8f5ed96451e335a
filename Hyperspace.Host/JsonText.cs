using System.Text.Encodings.Web;
using System.Text.Json;

namespace Hyperspace.Host;

/// <summary>How JSON is written where it is no part of an HTML page: quotes and letters stay readable.</summary>
internal static class JsonText
{
    public static JsonSerializerOptions Plain { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
