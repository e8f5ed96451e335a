using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hyperspace.Host.JsonRpc;

/// <summary>The HTTP surface: POST <c>/rpc</c>, WebSocket <c>/ws</c>, GET <c>/healthz</c>; on loopback only.</summary>
internal static class ApiServer
{
    /// <summary>Largest request, in bytes.</summary>
    public const int MaxRequestBytes = 4 * 1024 * 1024;

    private const int MaxConcurrentPerSocket = 64;
    private const int MaxQueuedPerSocket = 1024;

    public static void MapApi(this WebApplication app, ApiToken token)
    {
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        app.Use((context, next) => Guard(context, next, token));
        app.MapGet("/healthz", () => Results.Text("ok"));
        app.MapPost("/rpc", ServePostAsync);
        app.Map("/ws", ServeSocketAsync);
    }

    /// <summary>Host and Origin must be local (DNS rebinding, hostile pages); all but the health check needs the token.</summary>
    private static async Task Guard(HttpContext context, RequestDelegate next, ApiToken token)
    {
        if (!IsLocal(context.Request.Host.Host) || !OriginIsLocal(context.Request.Headers.Origin.ToString()))
        {
            await RefuseAsync(context, HttpStatusCode.Forbidden, "Only local hosts and origins may use this API.");
            return;
        }

        if (context.Request.Path != "/healthz" && !token.Matches(TokenOf(context.Request)))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await RefuseAsync(context, HttpStatusCode.Unauthorized, "Send 'Authorization: Bearer TOKEN'; the token is in the file api-token of the data directory.");
            return;
        }

        await next(context);
    }

    private static async Task ServePostAsync(HttpContext context, JsonRpcDispatcher dispatcher)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MaxRequestBytes;
        }

        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, (HttpStatusCode)e.StatusCode, $"A request has at most {MaxRequestBytes} bytes.");
            return;
        }

        var reply = await dispatcher.DispatchAsync(body.GetBuffer().AsMemory(0, (int)body.Length), null, context.RequestAborted);
        if (reply is null)
        {
            context.Response.StatusCode = (int)HttpStatusCode.NoContent;
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(reply.ToJsonString(JsonText.Plain), context.RequestAborted);
    }

    private static async Task ServeSocketAsync(HttpContext context, JsonRpcDispatcher dispatcher)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(context, HttpStatusCode.UpgradeRequired, "/ws speaks WebSocket; POST calls to /rpc.");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var client = new SocketClient(socket, context.RequestAborted);
        await client.RunAsync(dispatcher);
    }

    private static string? TokenOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return header["Bearer ".Length..].Trim();
        }

        // Browsers can't set headers on a WebSocket.
        return request.Path == "/ws" ? request.Query["token"].ToString() : null;
    }

    private static bool IsLocal(string host) => host is "localhost" or "127.0.0.1" or "[::1]" or "::1";

    private static bool OriginIsLocal(string origin) =>
        origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLocal(uri.Host));

    private static Task RefuseAsync(HttpContext context, HttpStatusCode status, string message)
    {
        context.Response.StatusCode = (int)status;
        return context.Response.WriteAsJsonAsync(new JsonObject { ["error"] = message });
    }

    /// <summary>One WebSocket: calls run side by side up to a limit; one writer; a slow reader loses notifications, not replies.</summary>
    private sealed class SocketClient(WebSocket socket, CancellationToken aborted) : INotifications, IDisposable
    {
        private readonly CancellationTokenSource _closed = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        private readonly SemaphoreSlim _running = new(MaxConcurrentPerSocket);
        private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueuedPerSocket) { SingleReader = true });

        // Read once: calls may still look at it after the source is disposed.
        public CancellationToken Closed { get; private set; }

        public bool TryNotify(string method, JsonObject parameters) =>
            _outgoing.Writer.TryWrite(Encode(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters }));

        public async Task RunAsync(JsonRpcDispatcher dispatcher)
        {
            Closed = _closed.Token;
            var writing = WriteAsync();
            try
            {
                while (await ReceiveAsync() is { } message)
                {
                    await _running.WaitAsync(Closed);
                    _ = ServeAsync(dispatcher, message);
                }
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                // The client went away; there is nobody to tell.
            }
            finally
            {
                await _closed.CancelAsync();
                _outgoing.Writer.TryComplete();
                await writing;
            }
        }

        public void Dispose() => _closed.Dispose();

        private static byte[] Encode(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString(JsonText.Plain));

        private async Task ServeAsync(JsonRpcDispatcher dispatcher, byte[] message)
        {
            try
            {
                var reply = await dispatcher.DispatchAsync(message, this, Closed);
                if (reply is not null)
                {
                    await _outgoing.Writer.WriteAsync(Encode(reply), Closed);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
            {
                // The client went away before its answer.
            }
            finally
            {
                _running.Release();
            }
        }

        private async Task<byte[]?> ReceiveAsync()
        {
            using var message = new MemoryStream();
            var buffer = new byte[16 * 1024];
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, Closed);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                    return null;
                }

                message.Write(buffer, 0, part.Count);
                if (message.Length > MaxRequestBytes)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, $"at most {MaxRequestBytes} bytes", CancellationToken.None);
                    return null;
                }

                if (part.EndOfMessage)
                {
                    return message.ToArray();
                }
            }
        }

        private async Task WriteAsync()
        {
            try
            {
                await foreach (var message in _outgoing.Reader.ReadAllAsync(Closed))
                {
                    await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, Closed);
                }
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                await _closed.CancelAsync();
            }
        }
    }
}

/// <summary>The bearer token of the local API, in a file that only its owner reads.</summary>
internal sealed class ApiToken
{
    public const string FileName = "api-token";
    private readonly byte[] _hash;

    private ApiToken(string token) => _hash = Hash(token);

    /// <summary>Reads the token of a data directory, making one at the first start.</summary>
    public static ApiToken LoadOrCreate(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var file = new StreamWriter(path, Encoding.ASCII, options);
            file.Write(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        }

        var token = File.ReadAllText(path).Trim();
        return token.Length >= 32 ? new ApiToken(token) : throw new InvalidDataException($"{path} holds no token; delete it and start again to get a new one.");
    }

    /// <summary>Compares in constant time.</summary>
    public bool Matches(string? token) => token is not null && CryptographicOperations.FixedTimeEquals(Hash(token), _hash);

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
