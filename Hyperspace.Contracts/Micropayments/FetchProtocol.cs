using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>Commands of the actor that fetches URLs and pays for them when it is asked to (HTTP 402).</summary>
public static class FetchCommands
{
    /// <summary>
    /// Sends the request; when the answer is 402 and asks for at most <paramref name="MaxPrice"/>, pays within the session's
    /// budget by MPP <c>evm/charge</c> or x402 <c>exact</c> and sends it again. Answered with <see cref="FetchResponse"/> or a
    /// <see cref="Refusal"/>. PAYMENT_PENDING: a signed payment left and nobody knows what became of it; the same command with
    /// the same key sends the same payment again and never signs another.
    /// </summary>
    /// <param name="SessionId">The session that pays.</param>
    /// <param name="Url"><c>https://…</c>; <c>http://…</c> is paid on the loopback interface only.</param>
    /// <param name="Method">As <c>GET</c>.</param>
    /// <param name="Headers">Headers of the request; those of payments and connections are not the caller's.</param>
    /// <param name="Body">Text of the body; null: none.</param>
    /// <param name="MaxPrice">Most that may be paid.</param>
    /// <param name="IdempotencyKey">Names the call, 1 to 64 of <c>A–Z a–z 0–9 . _ -</c>; also sent to the server with the payment.</param>
    /// <param name="Timeout">For each request and its answer.</param>
    public sealed record Fetch(
        string SessionId, string Url, string Method, IReadOnlyDictionary<string, string> Headers, string? Body, Amount MaxPrice, string IdempotencyKey, TimeSpan Timeout);

    /// <summary>What became of a payment that a session set an amount aside for? Answered with <see cref="PaymentSettled"/>.</summary>
    /// <param name="ChannelKey"><see cref="ChannelPrefix"/> and the idempotency key.</param>
    /// <param name="ReservationId">The session's reservation.</param>
    public sealed record Resolve(string ChannelKey, string ReservationId);

    /// <summary>What the channel keys of a session's reservations begin with when it is a fetch that pays them.</summary>
    public const string ChannelPrefix = "fetch:";
}

/// <summary>Whether a fetch was paid for.</summary>
public enum FetchPayment
{
    /// <summary>It was free.</summary>
    None,

    /// <summary>It was.</summary>
    Paid,

    /// <summary>The server refused the payment. It could still hand it in until it ends: so long the amount stays set aside.</summary>
    Refused,

    /// <summary>The server served, but says that it could not settle: the amount stays set aside until that is known.</summary>
    Pending,
}

/// <summary>The server's answer.</summary>
/// <param name="Status">HTTP status code.</param>
/// <param name="Headers">Its headers by lower-case name; several of one name joined with commas.</param>
/// <param name="Body">The body: text, or base64 when it is none.</param>
/// <param name="IsBase64">Whether it is base64.</param>
/// <param name="IsCut">Whether the body was longer than what is kept of it.</param>
/// <param name="Payment">Whether it was paid for.</param>
/// <param name="Receipt">What was paid, refused or is pending; null when it was free.</param>
/// <param name="IdempotencyKey">The call's name.</param>
/// <param name="Duration">From the command to the answer.</param>
public sealed record FetchResponse(
    int Status, IReadOnlyDictionary<string, string> Headers, string Body, bool IsBase64, bool IsCut, FetchPayment Payment, FetchReceipt? Receipt, string IdempotencyKey, TimeSpan Duration);

/// <summary>An authorization that was sent to a server.</summary>
/// <param name="Wire"><c>mpp</c> or <c>x402</c>.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Payee">Who may take it: <c>0x…</c>.</param>
/// <param name="Amount">How much.</param>
/// <param name="Nonce">EIP-3009 nonce: <c>0x…</c>.</param>
/// <param name="ValidBefore">When it ends (UTC).</param>
/// <param name="Reference">The server's reference, as a transaction's hash.</param>
public sealed record FetchReceipt(string Wire, ulong ChainId, string Payee, Amount Amount, string Nonce, DateTimeOffset ValidBefore, string? Reference);
