using System.Net;
using System.Text;
using System.Text.Json;
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
        using var document = JsonDocument.Parse(configuration);
        using var request = new HttpRequestMessage(HttpMethod.Post, UrlOf(document.RootElement)) { Content = new StringContent(parameters, Encoding.UTF8, "application/json") };
        if (document.RootElement.TryGetProperty("headers", out var headers) && headers.ValueKind == JsonValueKind.Object)
        {
            foreach (var header in headers.EnumerateObject().Where(h => h.Value.ValueKind == JsonValueKind.String))
            {
                request.Headers.TryAddWithoutValidation(header.Name, header.Value.GetString());
            }
        }

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

    public void Dispose() => _client.Dispose();

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
