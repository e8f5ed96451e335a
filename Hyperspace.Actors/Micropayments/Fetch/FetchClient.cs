using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>An HTTP answer, read whole.</summary>
/// <param name="Status">Its status code.</param>
/// <param name="Headers">Its headers by lower-case name; several of one name joined with commas.</param>
/// <param name="WwwAuthenticate">Each line of <c>WWW-Authenticate</c>.</param>
/// <param name="Body">At most <see cref="FetchClient.MaxBytes"/>.</param>
/// <param name="IsCut">Whether there was more.</param>
internal sealed record HttpAnswer(int Status, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<string> WwwAuthenticate, byte[] Body, bool IsCut)
{
    /// <summary>Whether it is 2xx.</summary>
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>A request as the caller wants it.</summary>
/// <param name="Url">Where.</param>
/// <param name="Method">As <c>GET</c>.</param>
/// <param name="Headers">The caller's headers.</param>
/// <param name="Body">The body; null: none.</param>
internal sealed record HttpCall(Uri Url, string Method, IReadOnlyDictionary<string, string> Headers, byte[]? Body);

/// <summary>
/// Sends requests that may be paid for: to public addresses, or to this machine when the URL names it; no redirect is
/// followed, no cookie kept, and bodies are cut.
/// </summary>
internal sealed class FetchClient : IDisposable
{
    /// <summary>Most of a body that is kept.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const int MaxHeaderKilobytes = 64;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private readonly HttpClient _unpaid = ClientOf(PublicAddresses.ConnectOrLoopbackAsync, TimeSpan.FromMinutes(2));

    /// <summary>Sends a request that pays nothing.</summary>
    /// <exception cref="HttpRequestException">No whole answer came.</exception>
    /// <exception cref="IOException">No whole answer came.</exception>
    public Task<HttpAnswer> SendAsync(HttpCall call, CancellationToken cancellationToken)
    {
        var request = RequestOf(call);
        request.Headers.TryAddWithoutValidation("Accept-Payment", MppChallenges.Accepted);
        return SendAsync(_unpaid, request, cancellationToken);
    }

    /// <summary>
    /// Sends a request that pays, once: on a connection of its own that is not made a second time, as the client would send
    /// again by itself what it finds unanswered, and the server's word about the second would be taken for that about the first.
    /// </summary>
    /// <exception cref="HttpRequestException">No whole answer came: it may have been paid.</exception>
    /// <exception cref="IOException">No whole answer came: it may have been paid.</exception>
    public static async Task<HttpAnswer> PayAsync(HttpCall call, string idempotencyKey, (string Header, string Value) credential, CancellationToken cancellationToken)
    {
        var connections = 0;
        using var client = ClientOf(
            (context, token) => Interlocked.Increment(ref connections) == 1 ? PublicAddresses.ConnectOrLoopbackAsync(context, token) : throw new IOException("The connection was cut."), TimeSpan.Zero);
        var request = RequestOf(call);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        request.Headers.TryAddWithoutValidation(credential.Header, credential.Value);
        return await SendAsync(client, request, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _unpaid.Dispose();

    private static HttpClient ClientOf(Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect, TimeSpan lifetime) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = ConnectTimeout,
        PooledConnectionLifetime = lifetime,
        MaxResponseHeadersLength = MaxHeaderKilobytes,
        ConnectCallback = connect,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private static HttpRequestMessage RequestOf(HttpCall call)
    {
        var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (call.Body is not null)
        {
            request.Content = new ByteArrayContent(call.Body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach (var (name, value) in call.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value) && request.Content is { } content)
            {
                content.Headers.Remove(name);
                content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    private static async Task<HttpAnswer> SendAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using (request)
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var (body, isCut) = await BoundedReader.ReadUpToAsync(stream, MaxBytes, cancellationToken).ConfigureAwait(false);
                var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key.ToLowerInvariant(), h => string.Join(", ", h.Value), StringComparer.Ordinal);
                var challenges = response.Headers.NonValidated.TryGetValues("WWW-Authenticate", out var lines) ? lines.ToList() : [];
                return new HttpAnswer((int)response.StatusCode, headers, challenges, body, isCut);
            }
        }
    }
}
