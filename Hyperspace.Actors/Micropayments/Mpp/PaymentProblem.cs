using System.Text.Json.Nodes;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>Why a request was not paid, as RFC 9457 problem details.</summary>
/// <param name="Kind">The last part of its type, as <c>payment-required</c>.</param>
/// <param name="Title">In a few words.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Detail">A sentence that says what to do.</param>
internal sealed record PaymentProblem(string Kind, string Title, int Status, string Detail)
{
    /// <summary>Content type of its body.</summary>
    public const string ContentType = "application/problem+json";

    private const string Types = "https://paymentauth.org/problems/";

    /// <summary>Nothing was paid.</summary>
    public static PaymentProblem Required(string detail) => new("payment-required", "Payment Required", 402, detail);

    /// <summary>The payment, or what stands behind it, is not enough.</summary>
    public static PaymentProblem Insufficient(string detail) => new("payment-insufficient", "Payment Insufficient", 402, detail);

    /// <summary>The challenge or the authorization has run out, or is about to.</summary>
    public static PaymentProblem Expired(string detail) => new("payment-expired", "Payment Expired", 402, detail);

    /// <summary>The proof of payment does not hold, or was used before.</summary>
    public static PaymentProblem NotVerified(string detail) => new("verification-failed", "Verification Failed", 402, detail);

    /// <summary>The credential cannot be read.</summary>
    public static PaymentProblem Malformed(string detail) => new("malformed-credential", "Malformed Credential", 402, detail);

    /// <summary>The challenge is not this peer's, or of another request.</summary>
    public static PaymentProblem InvalidChallenge(string detail) => new("invalid-challenge", "Invalid Challenge", 402, detail);

    /// <summary>A payment method that was not offered.</summary>
    public static PaymentProblem Unsupported(string detail) => new("method-unsupported", "Method Unsupported", 400, detail);

    /// <summary>As JSON.</summary>
    public JsonObject ToJson() => new() { ["type"] = Types + Kind, ["title"] = Title, ["status"] = Status, ["detail"] = Detail };
}
