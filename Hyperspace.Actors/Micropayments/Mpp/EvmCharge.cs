using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>
/// MPP's method <c>evm</c>, intent <c>charge</c>: one EIP-3009 authorization pays one request. Its nonce is
/// keccak256(id ‖ realm) of the challenge, so an authorization answers one challenge and no other.
/// </summary>
internal static class EvmCharge
{
    /// <summary>The method.</summary>
    public const string Method = "evm";

    /// <summary>The intent.</summary>
    public const string Intent = "charge";

    private const int Decimals = 6;

    /// <summary>The request of a challenge.</summary>
    /// <param name="chainId">EIP-155 id.</param>
    /// <param name="token">20 bytes.</param>
    /// <param name="recipient">Who is paid, 20 bytes.</param>
    /// <param name="units">Token units.</param>
    public static JsonObject Request(ulong chainId, ReadOnlySpan<byte> token, ReadOnlySpan<byte> recipient, ulong units) => new()
    {
        ["amount"] = units.ToString(CultureInfo.InvariantCulture),
        ["currency"] = EvmText.Of(token),
        ["methodDetails"] = new JsonObject { ["chainId"] = chainId, ["credentialTypes"] = new JsonArray("authorization"), ["decimals"] = Decimals },
        ["recipient"] = EvmText.Of(recipient),
    };

    /// <summary>The nonce that an authorization must have to answer this challenge, 32 bytes.</summary>
    public static byte[] NonceOf(MppChallenge challenge) => Keccak256.Hash(Encoding.UTF8.GetBytes(challenge.Id + challenge.Realm));

    /// <summary>A credential's payload.</summary>
    public static JsonObject Payload(SignedTransfer transfer) => transfer.ToJson("authorization");

    /// <summary>Reads a credential's payload; null when it is no authorization in strict form.</summary>
    public static SignedTransfer? ReadPayload(JsonObject payload) =>
        JsonText.Of(payload, "type") == "authorization" ? SignedTransfer.Read(payload, JsonText.Of(payload, "signature")) : null;
}

/// <summary>An EIP-3009 authorization and its 65-byte signature, as both MPP and x402 carry it.</summary>
internal sealed record SignedTransfer(TransferAuthorization Authorization, ReadOnlyMemory<byte> Signature)
{
    /// <summary>Its members; with a type and the signature among them (MPP), or without either (x402).</summary>
    public JsonObject ToJson(string? type = null)
    {
        var json = new JsonObject
        {
            ["from"] = EvmText.Of(Authorization.From.Span),
            ["to"] = EvmText.Of(Authorization.To.Span),
            ["value"] = Authorization.Value.ToString(CultureInfo.InvariantCulture),
            ["validAfter"] = Authorization.ValidAfter.ToString(CultureInfo.InvariantCulture),
            ["validBefore"] = Authorization.ValidBefore.ToString(CultureInfo.InvariantCulture),
            ["nonce"] = EvmText.Of(Authorization.Nonce.Span),
        };
        if (type is not null)
        {
            (json["type"], json["signature"]) = (type, EvmText.Of(Signature.Span));
        }

        return json;
    }

    /// <summary>Reads the members; null when one is missing or not in strict form.</summary>
    public static SignedTransfer? Read(JsonObject json, string? signature) =>
        EvmText.TryBytes(JsonText.Of(json, "from"), Secp256k1.AddressSize, out var from)
        && EvmText.TryBytes(JsonText.Of(json, "to"), Secp256k1.AddressSize, out var to)
        && EvmText.TryUnits(JsonText.Of(json, "value"), out var value)
        && EvmText.TrySeconds(JsonText.Of(json, "validAfter"), out var validAfter)
        && EvmText.TrySeconds(JsonText.Of(json, "validBefore"), out var validBefore)
        && EvmText.TryBytes(JsonText.Of(json, "nonce"), Keccak256.Size, out var nonce)
        && EvmText.TryBytes(signature, Secp256k1.SignatureSize, out var signed)
            ? new SignedTransfer(new TransferAuthorization(from, to, value, validAfter, validBefore, nonce), signed)
            : null;
}
