using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.X402;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Sales;

/// <summary>HTTP answers of <see cref="ToolSeller"/>.</summary>
internal static class SaleAnswers
{
    private const string Json = "application/json";
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A failure that has nothing to do with payment (RFC 9457, type about:blank).</summary>
    public static SaleAnswer Problem(int status, string title, string detail, TimeSpan? retryAfter = null, string? code = null)
    {
        var json = new JsonObject { ["type"] = "about:blank", ["title"] = title, ["status"] = status, ["detail"] = detail };
        if (code is not null)
        {
            json["code"] = code;
        }

        return new SaleAnswer(
            status,
            retryAfter is { } wait ? [NoStore, ("Retry-After", ((int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture))] : [NoStore],
            PaymentProblem.ContentType,
            Bytes(json));
    }

    /// <summary>Payment is asked for, by every wire at once.</summary>
    public static SaleAnswer PaymentRequired(PaymentProblem problem, ChargeChallenge challenge) => PaymentRequired(problem, challenge.Mpp, (X402Headers.Required, challenge.X402));

    /// <summary>Payment is asked for by MPP alone.</summary>
    public static SaleAnswer PaymentRequired(PaymentProblem problem, IReadOnlyList<string> challenges, params IEnumerable<(string, string)> more) => new(
        problem.Status,
        [NoStore, .. challenges.Select(header => ("WWW-Authenticate", header)), .. more],
        PaymentProblem.ContentType,
        Bytes(problem.ToJson()));

    /// <summary>A refusal of the tool, before money was asked for.</summary>
    public static SaleAnswer Refused(Refusal refusal) => refusal.Code switch
    {
        ErrorCodes.ToolNotFound => Problem(404, "Not Found", refusal.Message, code: refusal.Code),
        ErrorCodes.InvalidParams or ErrorCodes.InvalidAmount => Problem(400, "Bad Request", refusal.Message, code: refusal.Code),
        ErrorCodes.TooLarge => Problem(413, "Content Too Large", refusal.Message, code: refusal.Code),
        ErrorCodes.Conflict or ErrorCodes.AlreadyServed => Problem(409, "Conflict", refusal.Message, code: refusal.Code),
        ErrorCodes.RateLimited => Problem(429, "Too Many Requests", refusal.Message, TimeSpan.FromSeconds(10), refusal.Code),
        _ => Problem(503, "Service Unavailable", refusal.Message, TimeSpan.FromSeconds(10), refusal.Code),
    };

    /// <summary>The body of a result: <c>{ok, content, structured, error, durationMs}</c>; the same outcome gives the same bytes.</summary>
    public static byte[] BodyOf(ToolOutcome outcome) => Bytes(new JsonObject
    {
        ["ok"] = outcome.Ok,
        ["content"] = outcome.Content,
        ["structured"] = outcome.Structured.Length > 0 ? JsonNode.Parse(outcome.Structured) : null,
        ["error"] = outcome.Error.Length > 0 ? outcome.Error : null,
        ["durationMs"] = outcome.DurationUs / 1000,
    });

    /// <summary>What identifies a body, 64 hex digits.</summary>
    public static string HashOf(byte[] body) => Convert.ToHexStringLower(SHA256.HashData(body));

    /// <summary>A result that was paid for, with the receipt of the wire that paid. The payment's nonce is what both sides find it by on chain.</summary>
    public static SaleAnswer Served(byte[] body, VerifiedCharge charge, string paymentId, DateTimeOffset now)
    {
        var authorization = charge.Authorization;
        var reference = paymentId[(paymentId.LastIndexOf(':') + 1)..];
        var receipt = charge.IsX402
            ? (X402Headers.Response, new X402Settled(authorization.ChainId, Convert.FromHexString(authorization.From.AsSpan(2)), authorization.Value.MicroUnits, Transaction: "").ToHeader())
            : (MppReceipt.Header, new MppReceipt(EvmCharge.Method, reference, now).ToHeader());
        return new SaleAnswer(200, [("Cache-Control", "private"), receipt], Json, body);
    }

    private static (string, string) NoStore => ("Cache-Control", "no-store");

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString(Plain));
}
