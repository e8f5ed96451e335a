using System.Net;
using System.Text.Json;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>
/// Built-in <c>fetch-page</c>: GETs a page and gives its readable text, title and links. At most 5 MiB and 5 redirects;
/// private addresses only with <c>{"allowPrivate": true}</c>.
/// </summary>
internal sealed class FetchPage : IBuiltinTool, IDisposable
{
    private const int MaxBytes = 5 * 1024 * 1024;
    private const int DefaultCharacters = 20_000;
    private static readonly TimeSpan LongestFetch = TimeSpan.FromSeconds(30);

    private readonly Lazy<HttpClient> _guarded = new(() => Client(new SocketsHttpHandler { ConnectCallback = PublicAddresses.ConnectAsync }));
    private readonly Lazy<HttpClient> _open = new(() => Client(new SocketsHttpHandler()));

    public string Name => "fetch-page";

    public string InputSchema => """
        {"type":"object","properties":{"url":{"type":"string","format":"uri","maxLength":2048,"pattern":"^https?://"},"maxCharacters":{"type":"integer","minimum":100,"maximum":200000,"default":20000}},"required":["url"],"additionalProperties":false}
        """;

    public Refusal? Accept(JsonElement configuration) => null;

    public async Task<ToolRun> RunAsync(JsonElement configuration, JsonElement parameters, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(parameters.TextOf("url"), UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            return ToolRun.Failure(ErrorCodes.InvalidParams, "The url starts with http:// or https://.");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(LongestFetch);
        try
        {
            using var response = await (configuration.FlagOf("allowPrivate") ? _open : _guarded).Value.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
            return await ReadAsync(response, parameters.NumberOf("maxCharacters", DefaultCharacters, 200_000), timeout.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, e.InnerException is AddressRefusedException refused
                ? $"The page can't be fetched: {refused.Message}; pages of private networks are only fetched when the tool is registered with \"allowPrivate\": true."
                : $"The page can't be fetched: {e.Message}");
        }
        catch (IOException e)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, $"The page can't be fetched: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ToolRun.Failure(ErrorCodes.Timeout, $"The page took longer than {LongestFetch.TotalSeconds} seconds.");
        }
    }

    public void Dispose()
    {
        foreach (var client in new[] { _guarded, _open }.Where(c => c.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }

    private static HttpClient Client(SocketsHttpHandler handler)
    {
        handler.MaxAutomaticRedirections = 5;
        handler.UseCookies = false;
        // A proxy would connect in our stead, past the address check.
        handler.UseProxy = false;
        handler.AutomaticDecompression = DecompressionMethods.All;
        handler.ConnectTimeout = TimeSpan.FromSeconds(10);
        handler.MaxResponseHeadersLength = 64;
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.ParseAdd("hyperspace-fetch-page/1");
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html, application/xhtml+xml, text/plain;q=0.9, application/json;q=0.8");
        return client;
    }

    private static async Task<ToolRun> ReadAsync(HttpResponseMessage response, int maxCharacters, CancellationToken cancellationToken)
    {
        var url = response.RequestMessage!.RequestUri!;
        var type = response.Content.Headers.ContentType?.MediaType ?? "text/plain";
        if ((int)response.StatusCode is >= 300)
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, $"{url} answered {(int)response.StatusCode} {response.ReasonPhrase}.");
        }

        var html = type is "text/html" or "application/xhtml+xml";
        if (!html && !type.StartsWith("text/", StringComparison.Ordinal) && type is not ("application/json" or "application/xml"))
        {
            return ToolRun.Failure(ErrorCodes.ToolFailed, $"{url} is {type}; only HTML and text can be read.");
        }

        using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        if (await BoundedReader.ReadAsync(body, MaxBytes, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return ToolRun.Failure(ErrorCodes.TooLarge, $"{url} has more than {MaxBytes} bytes.");
        }

        var text = BoundedReader.Decode(bytes, response.Content.Headers.ContentType?.CharSet);
        var page = html ? ReadablePage.FromHtml(text, url) : new ReadablePage("", text, []);
        var shown = page.Text.Length <= maxCharacters ? page.Text : page.Text[..maxCharacters];
        var structured = JsonSerializer.Serialize(new
        {
            url = url.ToString(),
            title = page.Title,
            text = shown,
            cut = page.Text.Length - shown.Length,
            links = page.Links.Select(l => new { text = l.Text, url = l.Url }),
        });
        return ToolRun.Success($"{(page.Title.Length > 0 ? $"# {page.Title}\n\n" : "")}{shown}", structured);
    }
}
