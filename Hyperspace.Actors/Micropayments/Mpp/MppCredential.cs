using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>What a client answers a challenge with, in <c>Authorization: Payment …</c>.</summary>
/// <param name="Challenge">The challenge, echoed.</param>
/// <param name="Payload">The method's proof of payment.</param>
/// <param name="Source">Who pays, as <c>did:pkh:eip155:8453:0x…</c>, if it says.</param>
internal sealed record MppCredential(MppChallenge Challenge, JsonObject Payload, string? Source)
{
    private const string Prefix = MppChallenge.Scheme + " ";

    /// <summary>The value of an <c>Authorization</c> header.</summary>
    public string ToHeader()
    {
        var json = new JsonObject { ["challenge"] = Challenge.ToJson(), ["payload"] = Payload.DeepClone() };
        if (Source is not null)
        {
            json["source"] = Source;
        }

        return Prefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    /// <summary>True when a header is of this scheme, well-formed or not.</summary>
    public static bool IsPayment(string header) => header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a header of this scheme; null when it is malformed.</summary>
    public static MppCredential? Read(string header) =>
        IsPayment(header)
        && CanonicalJson.FromBase64Url(header[Prefix.Length..].Trim()) is { } json
        && json["challenge"] is JsonObject echoed && MppChallenge.FromJson(echoed) is { } challenge
        && json["payload"] is JsonObject payload
            ? new MppCredential(challenge, payload, JsonText.Of(json, "source"))
            : null;
}
