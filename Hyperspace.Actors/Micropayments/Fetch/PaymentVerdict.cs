using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>What an answer says of the payment that its request carried.</summary>
/// <param name="IsPaid">It was taken: a receipt says so, or the server served.</param>
/// <param name="IsRefused">It was not: 402 without a receipt.</param>
/// <param name="Reference">The receipt's reference, as a transaction's hash.</param>
internal sealed record PaymentVerdict(bool IsPaid, bool IsRefused, string? Reference)
{
    private const int MaxReference = 256;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads <c>Payment-Receipt</c> (MPP), <c>PAYMENT-RESPONSE</c> (x402) and the status.</summary>
    public static PaymentVerdict Of(HttpAnswer answer)
    {
        var mpp = Receipt(answer, "payment-receipt", text => Base64Url.DecodeFromChars(text));
        var x402 = Receipt(answer, X402Offers.ResponseHeader.ToLowerInvariant(), Convert.FromBase64String);
        var settled = Flag(x402, "success");
        var isPaid = Text(mpp, "status") == "success" || settled == true || (answer.IsSuccess && settled is null);
        return new PaymentVerdict(isPaid, !isPaid && answer.Status == 402, isPaid ? Text(mpp, "reference") ?? Text(x402, "transaction") : null);
    }

    private static JsonObject? Receipt(HttpAnswer answer, string header, Func<string, byte[]> decode)
    {
        try
        {
            return answer.Headers.GetValueOrDefault(header) is { } text ? JsonNode.Parse(decode(text), documentOptions: Strict) as JsonObject : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            // A receipt that cannot be read says nothing; the status does.
            return null;
        }
    }

    private static bool? Flag(JsonObject? json, string name) => json?[name] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    private static string? Text(JsonObject? json, string name) =>
        json?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.ToString() is { Length: > 0 and <= MaxReference } text ? text : null;
}
