using System.CommandLine;
using System.Text.Json.Nodes;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace fetch URL</c>: asks a running peer to fetch, and to pay when the server wants to be paid.</summary>
internal static class FetchCommand
{
    public static Command Create()
    {
        var url = new Argument<string>("URL") { Description = "https://…, or http://… on this machine." };
        var method = new Option<string>("--method") { Description = "The HTTP method.", DefaultValueFactory = _ => "GET" };
        var header = new Option<string[]>("--header") { Description = "A header, as 'Accept: text/plain'; may be repeated.", DefaultValueFactory = _ => [] };
        header.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<string[]>().FirstOrDefault(h => h.IndexOf(':', StringComparison.Ordinal) < 1) is { } wrong)
            {
                r.AddError($"--header: '{wrong}' is no header; write NAME: VALUE.");
            }
        });
        var body = new Option<string?>("--body") { Description = "The request's body." };
        var maxPrice = new Option<string>("--max-price") { Description = "Most that may be paid, in USDC.", DefaultValueFactory = _ => "0.1" };
        maxPrice.Validators.Add(r =>
        {
            if (!Amount.TryParse(r.GetValueOrDefault<string>(), Currency.Usdc, out _, out var error))
            {
                r.AddError(error);
            }
        });
        var session = new Option<string?>("--session") { Description = "The session that pays; without it one is begun with the budget of --max-price, and ended." };
        var key = new Option<string?>("--idempotency-key") { Description = "Names the call: after an unclear answer, the same key sends the same payment again." };
        var timeout = new Option<int>("--timeout-ms") { Description = "Give up on an answer after so long.", DefaultValueFactory = _ => 30_000 };
        var command = new Command("fetch", "Fetch a URL, paying by MPP or x402 when the server asks to be paid.") { url, method, header, body, maxPrice, session, key, timeout };
        return command.Asks(
            (parsed, client, ct) => client.InSessionAsync(parsed.GetValue(session), parsed.GetValue(maxPrice)!, async id => await client.CallAsync("micropayments.fetch", new JsonObject
            {
                ["url"] = parsed.GetValue(url),
                ["method"] = parsed.GetValue(method),
                ["headers"] = new JsonObject(parsed.GetValue(header)!.Select(h => h.Split(':', 2)).Select(h => KeyValuePair.Create(h[0].Trim(), (JsonNode?)h[1].Trim()))),
                ["body"] = parsed.GetValue(body),
                ["maxPrice"] = parsed.GetValue(maxPrice),
                ["sessionId"] = id,
                ["idempotencyKey"] = parsed.GetValue(key),
                ["timeoutMs"] = parsed.GetValue(timeout),
            }, ct), ct),
            Show,
            result => result!["status"]!.GetValue<int>() is >= 200 and < 400 ? 0 : 1);
    }

    private static void Show(JsonNode? result)
    {
        Console.Out.WriteLine(result!["body"]!.GetValue<string>());
        var paid = result["receipt"] is { } receipt ? $"; {result["payment"]}: {receipt["amount"]} {receipt["currency"]} to {receipt["payee"]} by {receipt["wire"]}" : "";
        Console.Error.WriteLine($"{result["status"]} in {result["durationMs"]} ms{paid}");
    }
}
