using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>
/// Provider type "http": POSTs the parameters to <c>{"url": …, "headers"?: {…}}</c> and gives the body back. The URL is this peer's
/// owner's choice, so private addresses are allowed; redirects are not followed.
/// </summary>
internal sealed class HttpRunner : IToolRunner, IDisposable
{
    private const int MaxBytes = 1024 * 1024;
    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public string Type => "http";

    public Refusal? Accept(string configuration)
    {
        using var document = JsonDocument.Parse(configuration);
        return UrlOf(document.RootElement) is null ? new Refusal(ErrorCodes.InvalidParams, "An http provider has a \"url\" that starts with http:// or https://.") : null;
    }

    public ValueTask<Refusal?> PrepareAsync(ToolDefinition definition, string configuration, CancellationToken cancellationToken) => new((Refusal?)null);

    public async Task<ToolRun> RunAsync(ToolDefinition definition, string configuration, string parameters, CancellationToken cancellationToken)
    {
        using var request = RequestOf(configuration, parameters);
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            if (await BoundedReader.ReadAsync(body, MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
            {
                return ToolRun.Failure(ErrorCodes.TooLarge, $"The endpoint's answer has more than {MaxBytes} bytes.");
            }

            var text = BoundedReader.Decode(bytes, response.Content.Headers.ContentType?.CharSet);
            return response.IsSuccessStatusCode
                ? ToolRun.Success(text, IsJson(text) ? text : null)
                : ToolRun.Failure(ErrorCodes.ToolFailed, $"The endpoint answered {(int)response.StatusCode} {response.ReasonPhrase}.", text);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, $"The endpoint can't be reached: {e.Message}");
        }
    }

    /// <summary>
    /// Each event of a <c>text/event-stream</c> is a token, up to one that says <c>[DONE]</c>; of any other answer each line. An
    /// endpoint that sends more than a token's or a stream's limit is cut off with an error.
    /// </summary>
    public async IAsyncEnumerable<ToolToken> StreamAsync(ToolDefinition definition, string configuration, string parameters, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = RequestOf(configuration, parameters);
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var response = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response is not { IsSuccessStatusCode: true })
        {
            yield return new ToolToken("", $"{ErrorCodes.ToolFailed}: The endpoint {(response is null ? "can't be reached." : $"answered {(int)response.StatusCode} {response.ReasonPhrase}.")}");
            yield break;
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            var tokens = new TokenReader(body, response.Content.Headers.ContentType?.MediaType == "text/event-stream");
            while (await tokens.ReadAsync(cancellationToken).ConfigureAwait(false) is { } token)
            {
                yield return token;
            }
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage?> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static HttpRequestMessage RequestOf(string configuration, string parameters)
    {
        using var document = JsonDocument.Parse(configuration);
        var request = new HttpRequestMessage(HttpMethod.Post, UrlOf(document.RootElement)) { Content = new StringContent(parameters, Encoding.UTF8, "application/json") };
        if (document.RootElement.TryGetProperty("headers", out var headers) && headers.ValueKind == JsonValueKind.Object)
        {
            foreach (var header in headers.EnumerateObject().Where(h => h.Value.ValueKind == JsonValueKind.String))
            {
                request.Headers.TryAddWithoutValidation(header.Name, header.Value.GetString());
            }
        }

        return request;
    }

    private static Uri? UrlOf(JsonElement configuration) =>
        Uri.TryCreate(configuration.TextOf("url"), UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) ? url : null;

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
