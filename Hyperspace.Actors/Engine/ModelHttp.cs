using System.Net;
using System.Net.Http.Headers;

namespace Hyperspace.Actors.Engine;

/// <summary>HTTP to a model's endpoint: its key, and limits on what it may answer.</summary>
internal static class ModelHttp
{
    /// <summary>Most bytes of an answer, unless more is asked for.</summary>
    public const int MaxAnswerBytes = 1 << 20;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A client for that endpoint alone. It follows no redirects, which would carry the key to whoever they lead to, and ends an
    /// answer that is longer than <paramref name="maxAnswerBytes"/> with an <see cref="HttpRequestException"/>. It has no time-out of its
    /// own: each call brings one.
    /// </summary>
    public static HttpClient Create(ModelEndpoint endpoint, int maxAnswerBytes = MaxAnswerBytes)
    {
        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = ConnectTimeout,
            MaxResponseHeadersLength = 64,
            AutomaticDecompression = DecompressionMethods.None,
        };
        return new HttpClient(new Endpoint(sockets, endpoint.ApiKey, maxAnswerBytes)) { BaseAddress = new Uri(endpoint.Url.AbsoluteUri.TrimEnd('/') + '/'), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Why a call failed, for a log: never what the other side said, which may quote the key or the request.</summary>
    public static string ReasonOf(Exception failure) => failure switch
    {
        System.ClientModel.ClientResultException { Status: > 0 } e => $"it answered with status {e.Status}",
        HttpRequestException { StatusCode: { } status } => $"it answered with status {(int)status}",
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => "its answer is too long",
        HttpRequestException e => $"it cannot be reached ({e.HttpRequestError})",
        OperationCanceledException or TimeoutException => "it did not answer in time",
        ModelAnswerException => failure.Message,
        _ when failure.InnerException is { } inner => ReasonOf(inner),
        _ => failure.GetType().Name,
    };

    private sealed class Endpoint(HttpMessageHandler inner, string? key, int limit) : CountedAnswers(inner, (body, _) => new BoundedStream(body, limit))
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class BoundedStream(Stream inner, long left) : CountedStream(inner)
    {
        protected override void Count(ReadOnlySpan<byte> read)
        {
            left -= read.Length;
            if (left < 0)
            {
                throw new HttpRequestException(HttpRequestError.ConfigurationLimitExceeded, "The model's answer is too long.");
            }
        }
    }
}
