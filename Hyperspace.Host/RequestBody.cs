using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Hyperspace.Host;

/// <summary>
/// Reads the bodies of HTTP requests, bounded. One that is too large is refused when that is known, and Kestrel takes in and
/// discards what is still on its way (for at most five seconds): a client that is in the middle of sending reads the refusal,
/// where a connection closed at once would show it a broken pipe.
/// </summary>
internal static class RequestBody
{
    /// <summary>How much of a body is taken in and discarded before its connection is closed, in bytes, the framing of chunks included.</summary>
    public const int MaxDiscarded = 16 * 1024 * 1024;

    private const int PieceBytes = 64 * 1024;

    /// <summary>Leaves it to <see cref="ReadAsync"/> to refuse bodies, up to <see cref="MaxDiscarded"/>.</summary>
    public static void DiscardBodiesThatAreTooLarge(this KestrelServerLimits limits) => limits.MaxRequestBodySize = MaxDiscarded;

    /// <summary>The body; or the status to refuse it with, when it has more than <paramref name="maxBytes"/> or stopped coming.</summary>
    public static async Task<(MemoryStream? Body, HttpStatusCode Refused)> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes)
        {
            return (null, HttpStatusCode.RequestEntityTooLarge);
        }

        var body = new MemoryStream();
        var piece = new byte[PieceBytes];
        try
        {
            while (await request.Body.ReadAsync(piece, cancellationToken) is var read and > 0)
            {
                if (body.Length + read > maxBytes)
                {
                    return (null, HttpStatusCode.RequestEntityTooLarge);
                }

                body.Write(piece, 0, read);
            }

            return (body, default);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            return (null, (HttpStatusCode)e.StatusCode);
        }
    }
}
