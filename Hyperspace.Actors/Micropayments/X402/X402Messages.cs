using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Mpp;

namespace Hyperspace.Actors.Micropayments.X402;

/// <summary>Headers of x402 version 2: each carries a JSON object in standard base64.</summary>
internal static class X402Headers
{
    /// <summary>The version that is spoken.</summary>
    public const int Version = 2;

    /// <summary>What a 402 response asks for.</summary>
    public const string Required = "PAYMENT-REQUIRED";

    /// <summary>What a request pays with.</summary>
    public const string Signature = "PAYMENT-SIGNATURE";

    /// <summary>What became of the payment.</summary>
    public const string Response = "PAYMENT-RESPONSE";

    /// <summary>A header's value.</summary>
    public static string Write(JsonObject json) => Convert.ToBase64String(Encoding.UTF8.GetBytes(json.ToJsonString()));

    /// <summary>Reads a header's value; null when it is no object of this version.</summary>
    public static JsonObject? Read(string header)
    {
        try
        {
            return JsonNode.Parse(Convert.FromBase64String(header), documentOptions: CanonicalJson.Strict) is JsonObject json && JsonText.NumberOf(json, "x402Version") == Version ? json : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentException)
        {
            return null;
        }
    }
}

/// <summary>One way to pay: scheme <c>exact</c>, an EIP-3009 authorization over the whole amount.</summary>
/// <param name="ChainId">EIP-155 id; the network is <c>eip155:N</c>.</param>
/// <param name="Units">Token units.</param>
/// <param name="Token">20 bytes.</param>
/// <param name="PayTo">20 bytes.</param>
/// <param name="MaxTimeoutSeconds">How long the authorization should be good for.</param>
/// <param name="Name">The token's EIP-712 domain name.</param>
/// <param name="DomainVersion">And version.</param>
internal sealed record X402Requirements(ulong ChainId, UInt128 Units, ReadOnlyMemory<byte> Token, ReadOnlyMemory<byte> PayTo, ulong MaxTimeoutSeconds, string Name, string DomainVersion)
{
    /// <summary>The scheme.</summary>
    public const string Scheme = "exact";

    private const string TransferMethod = "eip3009";

    /// <summary>As JSON.</summary>
    public JsonObject ToJson() => new()
    {
        ["scheme"] = Scheme,
        ["network"] = EvmText.Network(ChainId),
        ["amount"] = Units.ToString(CultureInfo.InvariantCulture),
        ["asset"] = EvmText.Of(Token.Span),
        ["payTo"] = EvmText.Of(PayTo.Span),
        ["maxTimeoutSeconds"] = MaxTimeoutSeconds,
        ["extra"] = new JsonObject { ["name"] = Name, ["version"] = DomainVersion },
    };

    /// <summary>Reads what this peer can pay or be paid by; null for anything else.</summary>
    public static X402Requirements? Read(JsonObject json) =>
        JsonText.Of(json, "scheme") == Scheme
        && JsonText.Of(json, "network") is { } network && network.StartsWith("eip155:", StringComparison.Ordinal) && EvmText.TrySeconds(network["eip155:".Length..], out var chainId)
        && EvmText.TryUnits(JsonText.Of(json, "amount"), out var units)
        && EvmText.TryBytes(JsonText.Of(json, "asset"), Secp256k1.AddressSize, out var token)
        && EvmText.TryBytes(JsonText.Of(json, "payTo"), Secp256k1.AddressSize, out var payTo)
        && JsonText.NumberOf(json, "maxTimeoutSeconds") is { } seconds
        && json["extra"] is JsonObject extra && JsonText.Of(extra, "name") is { } name && JsonText.Of(extra, "version") is { } version
        && (JsonText.Of(extra, "assetTransferMethod") ?? TransferMethod) == TransferMethod
            ? new X402Requirements(chainId, units, token, payTo, seconds, name, version)
            : null;

    /// <summary>Equality of content.</summary>
    public bool Equals(X402Requirements? other) =>
        other is not null && ChainId == other.ChainId && Units == other.Units && Token.Span.SequenceEqual(other.Token.Span) && PayTo.Span.SequenceEqual(other.PayTo.Span)
        && MaxTimeoutSeconds == other.MaxTimeoutSeconds && Name == other.Name && DomainVersion == other.DomainVersion;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ChainId, Units, MaxTimeoutSeconds, Name);
}

/// <summary>What a 402 response asks for.</summary>
/// <param name="Url">The resource.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="Error">Why payment is asked for.</param>
/// <param name="Accepts">Ways to pay, any of which will do.</param>
internal sealed record X402PaymentRequired(string Url, string Description, string Error, IReadOnlyList<X402Requirements> Accepts)
{
    /// <summary>The header's value.</summary>
    public string ToHeader() => X402Headers.Write(new JsonObject
    {
        ["x402Version"] = X402Headers.Version,
        ["error"] = Error,
        ["resource"] = Resource(Url, Description),
        ["accepts"] = new JsonArray([.. Accepts.Select(a => a.ToJson())]),
    });

    /// <summary>Reads a header's value, with the ways to pay that this peer knows; null when it is none.</summary>
    public static X402PaymentRequired? Read(string header) =>
        X402Headers.Read(header) is { } json && json["resource"] is JsonObject resource && JsonText.Of(resource, "url") is { } url && json["accepts"] is JsonArray accepts
            ? new X402PaymentRequired(
                url,
                JsonText.Of(resource, "description") ?? "",
                JsonText.Of(json, "error") ?? "",
                [.. accepts.OfType<JsonObject>().Select(X402Requirements.Read).OfType<X402Requirements>()])
            : null;

    /// <summary>The resource as both headers name it.</summary>
    internal static JsonObject Resource(string url, string description) => new() { ["url"] = url, ["description"] = description, ["mimeType"] = "application/json" };
}

/// <summary>What a request pays with.</summary>
/// <param name="Url">The resource that it pays for.</param>
/// <param name="Accepted">The way to pay that was chosen.</param>
/// <param name="Transfer">The authorization.</param>
internal sealed record X402Payment(string Url, X402Requirements Accepted, SignedTransfer Transfer)
{
    /// <summary>The header's value.</summary>
    public string ToHeader() => X402Headers.Write(new JsonObject
    {
        ["x402Version"] = X402Headers.Version,
        ["resource"] = X402PaymentRequired.Resource(Url, ""),
        ["accepted"] = Accepted.ToJson(),
        ["payload"] = new JsonObject { ["signature"] = EvmText.Of(Transfer.Signature.Span), ["authorization"] = Transfer.ToJson() },
    });

    /// <summary>Reads a header's value; null when it is none, or not in strict form.</summary>
    public static X402Payment? Read(string header) =>
        X402Headers.Read(header) is { } json
        && json["resource"] is JsonObject resource && JsonText.Of(resource, "url") is { } url
        && json["accepted"] is JsonObject accepted && X402Requirements.Read(accepted) is { } requirements
        && json["payload"] is JsonObject payload && payload["authorization"] is JsonObject authorization
        && SignedTransfer.Read(authorization, JsonText.Of(payload, "signature")) is { } transfer
            ? new X402Payment(url, requirements, transfer)
            : null;
}

/// <summary>What became of a payment.</summary>
/// <param name="ChainId">Where.</param>
/// <param name="Payer">20 bytes.</param>
/// <param name="Units">Token units.</param>
/// <param name="Transaction"><c>0x…</c>, or empty while it is not settled on chain.</param>
internal sealed record X402Settled(ulong ChainId, ReadOnlyMemory<byte> Payer, ulong Units, string Transaction)
{
    /// <summary>The header's value.</summary>
    public string ToHeader() => X402Headers.Write(new JsonObject
    {
        ["success"] = true,
        ["transaction"] = Transaction,
        ["network"] = EvmText.Network(ChainId),
        ["payer"] = EvmText.Of(Payer.Span),
        ["amount"] = Units.ToString(CultureInfo.InvariantCulture),
    });
}
