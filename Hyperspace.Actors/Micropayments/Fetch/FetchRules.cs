using System.Text;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>What a fetch may ask for.</summary>
internal static class FetchRules
{
    private const int MaxUrl = 4096;
    private const int MaxBody = 1024 * 1024;
    private const int MaxKey = 64;
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(10);
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    /// <summary>The request, or why it is none.</summary>
    public static (HttpCall? Call, Refusal? Refusal) Check(FetchCommands.Fetch command)
    {
        var why = !Uri.TryCreate(command.Url, UriKind.Absolute, out var url) || command.Url.Length > MaxUrl || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
                ? $"The url starts with http:// or https:// and has at most {MaxUrl} characters."
            : url.UserInfo.Length > 0 ? "The url names no user; send credentials as a header."
            : url.Authority.Length > 200 ? "The url's host is too long."
            : !Methods.Contains(command.Method) ? $"The method is one of {string.Join(", ", Methods)}."
            : RequestHeaders.WhyNot(command.Headers) is { } headers ? headers
            : command is { Body: not null, Method: "GET" or "HEAD" } ? "A GET or HEAD request has no body."
            : command.Body is not null && Encoding.UTF8.GetByteCount(command.Body) > MaxBody ? $"The body has at most {MaxBody} bytes."
            : !IsKey(command.IdempotencyKey) ? $"An idempotency key has 1 to {MaxKey} of A–Z a–z 0–9 . _ -."
            : command.Timeout <= TimeSpan.Zero || command.Timeout > MaxTimeout ? $"timeoutMs is 1 to {MaxTimeout.TotalMilliseconds:0}."
            : null;
        return why is null
            ? (new HttpCall(url!, command.Method, command.Headers, command.Body is null ? null : Encoding.UTF8.GetBytes(command.Body)), null)
            : (null, new Refusal(ErrorCodes.InvalidParams, why));
    }

    private static bool IsKey(string key) => key.Length is > 0 and <= MaxKey && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
