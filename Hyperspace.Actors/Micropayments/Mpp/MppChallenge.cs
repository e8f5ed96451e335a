using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>
/// A challenge of the HTTP authentication scheme <c>Payment</c> (draft-httpauth-payment): what is to be paid, how, and until
/// when. The members hold what travels, so that an echo can be compared byte for byte.
/// </summary>
/// <param name="Id">Names the challenge; the payee derives it from the rest.</param>
/// <param name="Realm">Who asks, as <c>api.example.com</c>.</param>
/// <param name="Method">How it is paid, as <c>evm</c>.</param>
/// <param name="Intent">What kind of payment, as <c>charge</c> or <c>session</c>.</param>
/// <param name="Request">Base64url of the method's own request in canonical JSON.</param>
internal sealed record MppChallenge(string Id, string Realm, string Method, string Intent, string Request)
{
    /// <summary>The scheme's name.</summary>
    public const string Scheme = "Payment";

    private const int MaxRequest = 16 * 1024;

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>Digest of the body of the request that was challenged, as <c>sha-256=:…:</c> (RFC 9530).</summary>
    public string? Digest { get; init; }

    /// <summary>RFC 3339 time until which it may be answered.</summary>
    public string? Expires { get; init; }

    /// <summary>Base64url of data of the payee's own, which comes back as it is.</summary>
    public string? Opaque { get; init; }

    /// <summary>The value of a <c>WWW-Authenticate</c> header.</summary>
    public string ToHeader() => AuthParams.Write(
        Scheme,
        ("id", Id),
        ("realm", Realm),
        ("method", Method),
        ("intent", Intent),
        ("request", Request),
        ("description", Description),
        ("digest", Digest),
        ("expires", Expires),
        ("opaque", Opaque));

    /// <summary>The challenges in the values of <c>WWW-Authenticate</c>; those of other schemes are left out.</summary>
    /// <exception cref="FormatException">A value cannot be read, or a challenge lacks what it must have.</exception>
    public static IReadOnlyList<MppChallenge> ReadAll(IEnumerable<string> headers) =>
        [.. headers.SelectMany(header => AuthParams.Read(header, Scheme)).Select(Of)];

    /// <summary>As a credential echoes it.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["id"] = Id, ["realm"] = Realm, ["method"] = Method, ["intent"] = Intent, ["request"] = Request };
        foreach (var (name, value) in ((string, string?)[])[("description", Description), ("digest", Digest), ("expires", Expires), ("opaque", Opaque)])
        {
            if (value is not null)
            {
                json[name] = value;
            }
        }

        return json;
    }

    /// <summary>Reads a credential's echo; null when a member is missing or no string.</summary>
    public static MppChallenge? FromJson(JsonObject json)
    {
        if (json.Any(member => member.Value is not JsonValue value || value.GetValueKind() != System.Text.Json.JsonValueKind.String))
        {
            return null;
        }

        var texts = json.ToDictionary(member => member.Key, member => member.Value!.GetValue<string>(), StringComparer.Ordinal);
        return Required.All(texts.ContainsKey) && texts["request"].Length <= MaxRequest ? Of(texts) : null;
    }

    private static readonly string[] Required = ["id", "realm", "method", "intent", "request"];

    private static MppChallenge Of(IReadOnlyDictionary<string, string> texts) => Array.Find(Required, name => !texts.ContainsKey(name)) is { } missing
        ? throw new FormatException($"A payment challenge has no '{missing}'.")
        : new MppChallenge(texts["id"], texts["realm"], texts["method"], texts["intent"], texts["request"])
        {
            Description = texts.GetValueOrDefault("description"),
            Digest = texts.GetValueOrDefault("digest"),
            Expires = texts.GetValueOrDefault("expires"),
            Opaque = texts.GetValueOrDefault("opaque"),
        };
}
