using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>micropayments.fetch</c>.</summary>
internal static class FetchMethods
{
    private const int MaxTimeoutMs = 600_000;
    private const int MaxBody = 1024 * 1024;

    // A fetch sends its request up to six times, and asks session and journal in between.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    public static IEnumerable<ApiMethod> All(PeerActors actors) =>
    [
        new("micropayments.fetch",
            "Sends an HTTP request and pays for it inside the session's budget when the server asks to be paid (402) by MPP evm/charge or x402 v2 exact, on a configured chain. No redirect is followed.",
            [
                new("url", "string", true, "https://…, or http://… on this machine; other http is not paid."),
                StateMethods.SessionId,
                new("maxPrice", "amount", true, "Most that may be paid."),
                new("currency", "string", false, "Of maxPrice; USDC unless given."),
                new("method", "string", false, "GET unless given."),
                new("headers", "{name: value}", false, "Those of payments and connections are not the caller's."),
                new("body", "any", false, "Text, or JSON that is sent as such."),
                new("idempotencyKey", "string", false, "Names the call; made and returned unless given. After PAYMENT_PENDING the same call with the same key sends the same payment again and signs no other."),
                new("timeoutMs", "integer", false, "For each request; 30000 unless given."),
            ],
            "{status, headers, body, isBase64, isCut, payment: none | paid | refused | pending, receipt: {wire, chainId, payee, amount, currency, nonce, validBefore, reference}, idempotencyKey, durationMs}",
            async (p, _, ct) =>
            {
                var timeout = TimeSpan.FromMilliseconds(p.OptionalInt("timeoutMs", 30_000, 1, MaxTimeoutMs));
                var fetch = new FetchCommands.Fetch(
                    StateMethods.IdOf(p),
                    p.String("url", 4096),
                    p.OptionalString("method", 16) ?? "GET",
                    p.StringMap("headers"),
                    p.OptionalTextOrJson("body", MaxBody),
                    p.Amount("maxPrice", p.OptionalCurrency("currency")),
                    p.OptionalString("idempotencyKey", 64) ?? Guid.CreateVersion7().ToString("N"),
                    timeout);
                return Of(await actors.AskAsync<ActorKeys.Fetches, FetchResponse>(fetch, (timeout * 6) + Grace, ct));
            }),
    ];

    private static JsonObject Of(FetchResponse response) => new()
    {
        ["status"] = response.Status,
        ["headers"] = new JsonObject(response.Headers.Select(h => KeyValuePair.Create(h.Key, (JsonNode?)h.Value))),
        ["body"] = response.Body,
        ["isBase64"] = response.IsBase64,
        ["isCut"] = response.IsCut,
        ["payment"] = response.Payment.ToString().ToLowerInvariant(),
        ["receipt"] = response.Receipt is { } receipt
            ? new JsonObject
            {
                ["wire"] = receipt.Wire,
                ["chainId"] = receipt.ChainId,
                ["payee"] = receipt.Payee,
                ["amount"] = Json.Of(receipt.Amount),
                ["currency"] = receipt.Amount.Currency.Code,
                ["nonce"] = receipt.Nonce,
                ["validBefore"] = Json.Of(receipt.ValidBefore),
                ["reference"] = receipt.Reference,
            }
            : null,
        ["idempotencyKey"] = response.IdempotencyKey,
        ["durationMs"] = Json.Milliseconds(response.Duration),
    };
}
