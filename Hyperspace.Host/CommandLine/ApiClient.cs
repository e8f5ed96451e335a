using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.CommandLine;

/// <summary>Calls a running peer's local API.</summary>
internal sealed class ApiClient : IDisposable
{
    /// <summary>Where a running peer writes its API's address, beside its token.</summary>
    public const string UrlFileName = "api-url";

    private readonly HttpClient _http;
    private int _lastId;

    /// <summary>A client of the API at an address.</summary>
    /// <param name="api">The address, with a slash at its end.</param>
    /// <param name="token">The bearer token.</param>
    /// <param name="timeout">How long a call may take; 11 minutes unless given, as the longest tool call takes 10.</param>
    public ApiClient(Uri api, string token, TimeSpan? timeout = null)
    {
        _http = new HttpClient { BaseAddress = api, Timeout = timeout ?? TimeSpan.FromMinutes(11) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>The client of the peer that runs on a data directory.</summary>
    /// <exception cref="CommandException">No peer runs there, or its files cannot be read.</exception>
    public static ApiClient ForDataDirectory(string dataDirectory)
    {
        var url = Path.Combine(dataDirectory, UrlFileName);
        var token = Path.Combine(dataDirectory, ApiToken.FileName);
        if (!File.Exists(url) || !File.Exists(token))
        {
            throw new CommandException($"No peer runs on {dataDirectory}; start one with 'hyperspace start --data {dataDirectory}', or name another directory with --data.");
        }

        try
        {
            return new ApiClient(new Uri(File.ReadAllText(url).Trim()), File.ReadAllText(token).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new CommandException($"{url} and {token}, which tell where the peer's API is, cannot be read: {e.Message}");
        }
    }

    /// <summary>Calls a method with by-name parameters (null ones left out).</summary>
    /// <exception cref="CommandException">The peer cannot be reached, or answered with an error.</exception>
    public async Task<JsonNode?> CallAsync(string method, JsonObject? parameters = null, CancellationToken cancellationToken = default)
    {
        var request = new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = Interlocked.Increment(ref _lastId),
            ["method"] = method,
            ["params"] = parameters ?? [],
        };
        JsonNode? reply;
        try
        {
            using var response = await _http.PostAsJsonAsync("rpc", request, cancellationToken);
            reply = response.IsSuccessStatusCode
                ? JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))
                : throw new CommandException($"The peer at {_http.BaseAddress} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or JsonException)
        {
            // The client lets a socket's error through when a peer dies while it is connected to.
            throw new CommandException($"The peer at {_http.BaseAddress} does not answer ({e.Message}); is it running?");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandException($"The peer at {_http.BaseAddress} did not answer {method} within {_http.Timeout.TotalMinutes:0.##} min; look into its log.");
        }

        return reply?["error"] is { } error
            ? throw new CommandException(error["message"]!.GetValue<string>(), error["data"]?["code"]?.GetValue<string>())
            : reply?["result"]?.DeepClone();
    }

    /// <summary>Calls in a session: the one given, or one of its own that is begun with a budget in USDC and ended.</summary>
    public async Task<JsonNode?> InSessionAsync(string? given, string budget, Func<string, Task<JsonNode?>> call, CancellationToken cancellationToken)
    {
        if (given is not null)
        {
            return await call(given);
        }

        var begun = await CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = budget } }, cancellationToken);
        var id = begun!["id"]!.GetValue<string>();
        try
        {
            return await call(id);
        }
        finally
        {
            await CallAsync("state.end", new JsonObject { ["sessionId"] = id }, CancellationToken.None);
        }
    }

    public void Dispose() => _http.Dispose();
}
