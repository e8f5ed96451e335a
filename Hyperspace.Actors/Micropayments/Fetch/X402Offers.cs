using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>The payer's side of x402 version 2, scheme <c>exact</c>: offers of <c>PAYMENT-REQUIRED</c> and the <c>PAYMENT-SIGNATURE</c> that takes one.</summary>
internal static class X402Offers
{
    /// <summary>The header that carries the offers: base64 of JSON.</summary>
    public const string RequiredHeader = "PAYMENT-REQUIRED";

    /// <summary>The header that pays.</summary>
    public const string SignatureHeader = "PAYMENT-SIGNATURE";

    /// <summary>The header that tells what became of the payment.</summary>
    public const string ResponseHeader = "PAYMENT-RESPONSE";

    private const int MaxHeader = 32 * 1024;
    private const int MaxOffers = 64;
    private const string NetworkPrefix = "eip155:";
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>What each entry of <c>accepts</c> offers; an entry that is none of ours is the reason why not.</summary>
    /// <exception cref="FormatException">The header is none of version 2.</exception>
    public static IEnumerable<(PaymentOffer? Offer, string? Reason)> Read(string header, DateTimeOffset now)
    {
        var required = Decode(header);
        if (required["x402Version"] is not JsonValue version || !version.TryGetValue<int>(out var number) || number != 2 || required["accepts"] is not JsonArray { Count: <= MaxOffers } accepts)
        {
            throw new FormatException($"{RequiredHeader} is not of x402 version 2.");
        }

        return [.. accepts.Select(accepted =>
        {
            try
            {
                return ((PaymentOffer?)Read(required, accepted as JsonObject ?? throw new FormatException("An offer is no object."), now), (string?)null);
            }
            catch (FormatException e)
            {
                return (null, e.Message);
            }
        })];
    }

    /// <summary>JSON in a header; a base64 object of a sane size.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static JsonObject Decode(string header)
    {
        try
        {
            return header.Length <= MaxHeader && JsonNode.Parse(Convert.FromBase64String(header), documentOptions: Strict) is JsonObject json ? json : throw new FormatException("A header is no JSON object of a sane size.");
        }
        catch (JsonException)
        {
            throw new FormatException("A header is no JSON.");
        }
    }

    private static PaymentOffer Read(JsonObject required, JsonObject accepted, DateTimeOffset now)
    {
        if (Text(accepted, "scheme") is var scheme && scheme != "exact")
        {
            throw new FormatException($"The scheme '{PaymentOffer.Short(scheme)}' is not spoken.");
        }

        var network = Text(accepted, "network");
        if (!network.StartsWith(NetworkPrefix, StringComparison.Ordinal) || !ulong.TryParse(network.AsSpan(NetworkPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var chainId))
        {
            throw new FormatException($"'{PaymentOffer.Short(network)}' is no EVM chain.");
        }

        var extra = accepted["extra"] as JsonObject;
        if (extra?["assetTransferMethod"] is { } transfer && transfer.ToString() != "eip3009")
        {
            throw new FormatException($"Tokens are not moved by '{PaymentOffer.Short(transfer.ToString())}'.");
        }

        if (accepted["maxTimeoutSeconds"] is not JsonValue timeout || !timeout.TryGetValue<int>(out var seconds) || seconds <= 0)
        {
            throw new FormatException("The offer has no maxTimeoutSeconds.");
        }

        return new PaymentOffer(
            PaymentOffer.X402,
            chainId,
            PaymentOffer.ReadAddress(Text(accepted, "asset")),
            PaymentOffer.ReadAddress(Text(accepted, "payTo")),
            PaymentOffer.ReadUnits(Text(accepted, "amount")),
            PaymentOffer.ReadEnd(now + TimeSpan.FromSeconds(seconds), now),
            extra?["name"]?.ToString(),
            extra?["version"]?.ToString(),
            null,
            (authorization, signature) => (SignatureHeader, Payment(required, accepted, authorization, signature)));
    }

    private static string Payment(JsonObject required, JsonObject accepted, TransferAuthorization authorization, byte[] signature)
    {
        var payment = new JsonObject
        {
            ["x402Version"] = 2,
            ["accepted"] = accepted.DeepClone(),
            ["payload"] = new JsonObject
            {
                ["signature"] = Hex.Of(signature),
                ["authorization"] = new JsonObject
                {
                    ["from"] = "0x" + Hex.Checksummed(authorization.From.Span),
                    ["to"] = "0x" + Hex.Checksummed(authorization.To.Span),
                    ["value"] = authorization.Value.ToString(CultureInfo.InvariantCulture),
                    ["validAfter"] = authorization.ValidAfter.ToString(CultureInfo.InvariantCulture),
                    ["validBefore"] = authorization.ValidBefore.ToString(CultureInfo.InvariantCulture),
                    ["nonce"] = Hex.Of(authorization.Nonce.Span),
                },
            },
        };
        foreach (var echoed in (string[])["resource", "extensions"])
        {
            if (required[echoed] is { } value)
            {
                payment[echoed] = value.DeepClone();
            }
        }

        return Convert.ToBase64String(Encoding.UTF8.GetBytes(payment.ToJsonString()));
    }

    private static string Text(JsonObject json, string name) =>
        json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new FormatException($"The offer has no '{name}'.");
}
