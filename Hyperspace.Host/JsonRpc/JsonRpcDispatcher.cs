using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Host.JsonRpc;

/// <summary>
/// JSON-RPC 2.0 (jsonrpc.org/specification) over any text: single calls, notifications and batches, by-name
/// parameters. Decides nothing about transport, authentication or what the methods do.
/// </summary>
internal sealed partial class JsonRpcDispatcher(IEnumerable<ApiMethod> methods, ILogger<JsonRpcDispatcher> logger)
{
    /// <summary>Most calls in a batch.</summary>
    public const int MaxBatch = 256;

    private const int MaxDepth = 64;
    private const int MaxNameShown = 128;
    private static readonly JsonDocumentOptions ReadOptions = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    private static readonly Params NoParams = new(default);

    private readonly Dictionary<string, ApiMethod> _methods = methods.ToDictionary(m => m.Name, StringComparer.Ordinal);

    public IReadOnlyCollection<ApiMethod> Methods => _methods.Values;

    /// <summary>Answers a request text; null when there is nothing to answer (notifications only).</summary>
    public async Task<JsonNode?> DispatchAsync(ReadOnlyMemory<byte> utf8, INotifications? client, CancellationToken cancellationToken)
    {
        JsonDocument document;
        try
        {
            CheckTexts(utf8.Span);
            document = JsonDocument.Parse(utf8, ReadOptions);
        }
        catch (JsonException)
        {
            return ErrorReply(null, new JsonRpcException(JsonRpcException.ParseError, $"The body is not JSON in UTF-8, nested at most {MaxDepth} deep and with no name twice in an object; send a JSON-RPC 2.0 request object."));
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Array)
            {
                return await CallAsync(root, client, cancellationToken);
            }

            var count = root.GetArrayLength();
            if (count is 0 or > MaxBatch)
            {
                return ErrorReply(null, new JsonRpcException(JsonRpcException.InvalidRequest, $"A batch has 1 to {MaxBatch} calls, not {count}."));
            }

            var replies = await Task.WhenAll(root.EnumerateArray().Select(call => CallAsync(call, client, cancellationToken)).ToList());
            var answers = new JsonArray([.. replies.Where(r => r is not null)]);
            return answers.Count == 0 ? null : answers;
        }
    }

    /// <summary>The parser takes damaged UTF-8 and escaped halves of surrogate pairs, and fails when the text is read: refuse both beforehand.</summary>
    private static void CheckTexts(ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
        {
            throw new JsonException("The text is not UTF-8.");
        }

        if (utf8.IndexOf("\\u"u8) < 0)
        {
            return;
        }

        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = MaxDepth });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
            {
                try
                {
                    reader.GetString();
                }
                catch (InvalidOperationException e)
                {
                    throw new JsonException("The text holds half of a surrogate pair.", e);
                }
            }
        }
    }

    private static JsonObject ErrorReply(JsonNode? id, JsonRpcException error) =>
        new() { ["jsonrpc"] = "2.0", ["error"] = error.ToJson(), ["id"] = id };

    private async Task<JsonNode?> CallAsync(JsonElement call, INotifications? client, CancellationToken cancellationToken)
    {
        var isNotification = call.ValueKind == JsonValueKind.Object && !call.TryGetProperty("id", out _);
        JsonNode? id = null;
        try
        {
            id = IdOf(call);
            var (method, parameters) = Read(call);
            var result = await method.Handler(parameters, client, cancellationToken);
            return isNotification ? null : new JsonObject { ["jsonrpc"] = "2.0", ["result"] = result, ["id"] = id };
        }
        catch (JsonRpcException e)
        {
            return isNotification && e.Code != JsonRpcException.InvalidRequest ? null : ErrorReply(id, e);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            // The surface's last resort: a defect is logged whole and told without its inside.
            LogDefect(e);
            return isNotification ? null : ErrorReply(id, new JsonRpcException(JsonRpcException.InternalError, "The peer failed on this call; its log says more.", Contracts.ErrorCodes.Internal));
        }
    }

    private static JsonNode? IdOf(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("id", out var id))
        {
            return null;
        }

        return id.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.Null
            ? JsonNode.Parse(id.GetRawText())
            : throw new JsonRpcException(JsonRpcException.InvalidRequest, "'id' must be a string or a number.");
    }

    private (ApiMethod Method, Params Parameters) Read(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object
            || !call.TryGetProperty("jsonrpc", out var version) || version.ValueKind != JsonValueKind.String || version.GetString() != "2.0"
            || !call.TryGetProperty("method", out var name) || name.ValueKind != JsonValueKind.String)
        {
            throw new JsonRpcException(JsonRpcException.InvalidRequest, "A call is an object with \"jsonrpc\":\"2.0\" and a string \"method\".");
        }

        var text = name.GetString()!;
        if (!_methods.TryGetValue(text, out var method))
        {
            throw new JsonRpcException(JsonRpcException.MethodNotFound, $"There is no method '{(text.Length <= MaxNameShown ? text : "…")}'; rpc.discover lists them.");
        }

        if (!call.TryGetProperty("params", out var parameters))
        {
            return (method, NoParams);
        }

        return parameters.ValueKind == JsonValueKind.Object || (parameters.ValueKind == JsonValueKind.Array && parameters.GetArrayLength() == 0)
            ? (method, new Params(parameters))
            : throw JsonRpcException.BadParams("Parameters are given by name: \"params\" is an object.");
    }

    [LoggerMessage(EventId = 4001, Level = LogLevel.Error, Message = "A method of the local API failed.")]
    private partial void LogDefect(Exception exception);
}
