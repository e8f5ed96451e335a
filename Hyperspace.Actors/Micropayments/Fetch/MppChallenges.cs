using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Mpp;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>
/// The payer's side of MPP <c>evm/charge</c> (draft-httpauth-payment-00): challenges of <c>WWW-Authenticate: Payment</c> and the
/// credential that answers one.
/// </summary>
internal static class MppChallenges
{
    /// <summary>What a payer that speaks this wire says in <c>Accept-Payment</c>.</summary>
    public const string Accepted = "evm/charge";

    private const int MaxHeader = 32 * 1024;
    private const int MaxRequest = 16 * 1024;
    private static readonly TimeSpan DefaultValidity = TimeSpan.FromMinutes(5);

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    // The parts of a challenge that its credential echoes, in the draft's order.
    private static readonly string[] Echoed = ["id", "realm", "method", "intent", "description", "digest", "expires", "header", "opaque"];

    /// <summary>The parameters of each challenge of the scheme, in order; other schemes are passed over.</summary>
    /// <exception cref="FormatException">A header that does not parse.</exception>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Parse(IEnumerable<string> headers) => headers.SelectMany(Parse);

    /// <summary>What a challenge asks for.</summary>
    /// <param name="challenge">Its parameters.</param>
    /// <param name="body">The request's body, which the challenge may be bound to.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="FormatException">It is not one of <c>evm/charge</c> by authorization, or not sound.</exception>
    public static PaymentOffer Read(IReadOnlyDictionary<string, string> challenge, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var method = Required(challenge, "method") + "/" + Required(challenge, "intent");
        if (method != Accepted)
        {
            throw new FormatException($"'{PaymentOffer.Short(method)}' is asked for, and only {Accepted} is spoken.");
        }

        if (challenge.TryGetValue("digest", out var digest) && digest != "sha-256=" + Convert.ToBase64String(SHA256.HashData(body)))
        {
            throw new FormatException("The challenge is for another body than the request's.");
        }

        using var request = Request(Required(challenge, "request"));
        var details = Member(request.RootElement, "methodDetails", JsonValueKind.Object);
        if (details.TryGetProperty("credentialTypes", out var types) && !(types.ValueKind == JsonValueKind.Array && types.EnumerateArray().Any(t => t.ValueEquals("authorization"))))
        {
            throw new FormatException("Credentials of type 'authorization' are not accepted.");
        }

        if (details.TryGetProperty("splits", out var splits) && !(splits.ValueKind == JsonValueKind.Array && splits.GetArrayLength() == 0))
        {
            throw new FormatException("Payments that are split are not made.");
        }

        if (details.TryGetProperty("decimals", out var decimals) && !(decimals.ValueKind == JsonValueKind.Number && decimals.TryGetInt32(out var count) && count == PaymentOffer.Decimals))
        {
            throw new FormatException("Only tokens with 6 decimals are paid in.");
        }

        var end = challenge.TryGetValue("expires", out var expires) ? Time(expires) : now + DefaultValidity;
        var (id, realm) = (Required(challenge, "id"), Required(challenge, "realm"));
        return new PaymentOffer(
            PaymentOffer.Mpp,
            Member(details, "chainId", JsonValueKind.Number).TryGetUInt64(out var chainId) ? chainId : throw new FormatException("The chain id is none."),
            PaymentOffer.ReadAddress(Member(request.RootElement, "currency", JsonValueKind.String).GetString()!),
            PaymentOffer.ReadAddress(Member(request.RootElement, "recipient", JsonValueKind.String).GetString()!),
            PaymentOffer.ReadUnits(Member(request.RootElement, "amount", JsonValueKind.String).GetString()!),
            PaymentOffer.ReadEnd(end, now),
            null, null,
            Keccak256.Hash(Encoding.UTF8.GetBytes(id + realm)),
            (authorization, signature) => (HeaderOf(challenge), $"{MppChallenge.Scheme} {Base64Url.EncodeToString(Credential(challenge, chainId, authorization, signature))}"));
    }

    /// <summary>The header that carries the credential.</summary>
    /// <exception cref="FormatException">One that is not for credentials.</exception>
    private static string HeaderOf(IReadOnlyDictionary<string, string> challenge)
    {
        var header = challenge.GetValueOrDefault("header", "Authorization");
        return header.Equals("Authorization", StringComparison.OrdinalIgnoreCase) || !RequestHeaders.IsReserved(header) ? header : throw new FormatException($"A credential cannot travel in '{PaymentOffer.Short(header)}'.");
    }

    private static byte[] Credential(IReadOnlyDictionary<string, string> challenge, ulong chainId, TransferAuthorization authorization, byte[] signature)
    {
        var echo = new JsonObject();
        foreach (var name in Echoed.Where(challenge.ContainsKey))
        {
            echo[name] = challenge[name];
        }

        echo["request"] = challenge["request"];
        return Encoding.UTF8.GetBytes(new JsonObject
        {
            ["challenge"] = echo,
            ["payload"] = new JsonObject
            {
                ["type"] = "authorization",
                ["from"] = Address(authorization.From),
                ["to"] = Address(authorization.To),
                ["value"] = authorization.Value.ToString(CultureInfo.InvariantCulture),
                ["validAfter"] = authorization.ValidAfter.ToString(CultureInfo.InvariantCulture),
                ["validBefore"] = authorization.ValidBefore.ToString(CultureInfo.InvariantCulture),
                ["nonce"] = Hex.Of(authorization.Nonce.Span),
                ["signature"] = Hex.Of(signature),
            },
            ["source"] = $"did:pkh:eip155:{chainId}:{Address(authorization.From)}",
        }.ToJsonString());
    }

    private static string Address(ReadOnlyMemory<byte> address) => "0x" + Hex.Checksummed(address.Span);

    private static JsonDocument Request(string encoded)
    {
        try
        {
            return encoded.Length <= MaxRequest && JsonDocument.Parse(Base64Url.DecodeFromChars(encoded), Strict) is { RootElement.ValueKind: JsonValueKind.Object } request
                ? request
                : throw new FormatException("The challenge's request is no JSON object of a sane size.");
        }
        catch (JsonException)
        {
            throw new FormatException("The challenge's request is no JSON.");
        }
    }

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw new FormatException("The challenge's expiry is no time.");

    private static string Required(IReadOnlyDictionary<string, string> challenge, string name) =>
        challenge.TryGetValue(name, out var value) && value.Length > 0 ? value : throw new FormatException($"The challenge has no '{name}'.");

    private static JsonElement Member(JsonElement json, string name, JsonValueKind kind) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == kind ? value : throw new FormatException($"The challenge's request has no '{name}', or not as it should be.");

    private static IReadOnlyList<IReadOnlyDictionary<string, string>> Parse(string header) =>
        header.Length <= MaxHeader ? AuthParams.Read(header, MppChallenge.Scheme) : throw new FormatException($"WWW-Authenticate has more than {MaxHeader} characters.");
}
