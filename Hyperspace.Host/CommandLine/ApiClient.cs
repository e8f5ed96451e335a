using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.CommandLine;

/// <summary>A failure that the command line tells in one sentence and exit code 1.</summary>
internal sealed class CommandException(string message, string? code = null) : Exception(message)
{
    public string? Code { get; } = code;
}

/// <summary>Calls a running peer's local API.</summary>
internal sealed class ApiClient : IDisposable
{
    /// <summary>Where a running peer writes its API's address, beside its token.</summary>
    public const string UrlFileName = "api-url";

    private readonly HttpClient _http;
    private int _lastId;

    public ApiClient(Uri api, string token)
    {
        _http = new HttpClient { BaseAddress = api, Timeout = TimeSpan.FromMinutes(11) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>The client of the peer that runs on a data directory.</summary>
    /// <exception cref="CommandException">No peer was ever started there.</exception>
    public static ApiClient ForDataDirectory(string dataDirectory)
    {
        var url = Path.Combine(dataDirectory, UrlFileName);
        var token = Path.Combine(dataDirectory, ApiToken.FileName);
        return File.Exists(url) && File.Exists(token)
            ? new ApiClient(new Uri(File.ReadAllText(url).Trim()), File.ReadAllText(token).Trim())
            : throw new CommandException($"No peer runs on {dataDirectory}; start one with 'hyperspace start --data {dataDirectory}', or name another directory with --data.");
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
        catch (Exception e) when (e is HttpRequestException or JsonException)
        {
            throw new CommandException($"The peer at {_http.BaseAddress} does not answer ({e.Message}); is it running?");
        }

        return reply?["error"] is { } error
            ? throw new CommandException(error["message"]!.GetValue<string>(), error["data"]?["code"]?.GetValue<string>())
            : reply?["result"]?.DeepClone();
    }

    public void Dispose() => _http.Dispose();
}
