using System.Collections.Frozen;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>Which headers a caller may set on a request that may be paid for.</summary>
internal static class RequestHeaders
{
    private const int MaxHeaders = 64;
    private const int MaxCharacters = 8 * 1024;

    private static readonly FrozenSet<string> Reserved = new[]
    {
        "Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "TE", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
        "Accept-Payment", "Idempotency-Key", X402Offers.SignatureHeader, X402Offers.RequiredHeader, X402Offers.ResponseHeader, "Payment-Receipt", "X-PAYMENT",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>True for a name that is no header's, and for headers that belong to the connection or to payments.</summary>
    public static bool IsReserved(string name) => Reserved.Contains(name) || name.Length is 0 or > 128 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>Why these headers are not sent; null when they are.</summary>
    public static string? WhyNot(IReadOnlyDictionary<string, string> headers) =>
        headers.Count > MaxHeaders || headers.Sum(h => h.Key.Length + h.Value.Length) > MaxCharacters ? $"A request has at most {MaxHeaders} headers with {MaxCharacters} characters."
        : headers.Keys.FirstOrDefault(IsReserved) is { } reserved ? $"The header '{PaymentOffer.Short(reserved)}' is not the caller's to set."
        : headers.Values.Any(v => v.Any(char.IsControl)) ? "A header's value has no control characters."
        : null;
}
