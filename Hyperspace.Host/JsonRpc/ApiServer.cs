using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Host.JsonRpc;

/// <summary>The HTTP surface: POST <c>/rpc</c>, WebSocket <c>/ws</c>, GET <c>/healthz</c>; on loopback only.</summary>
internal static class ApiServer
{
    /// <summary>Largest request, in bytes.</summary>
    public const int MaxRequestBytes = 4 * 1024 * 1024;

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
        var (body, refused) = await RequestBody.ReadAsync(context.Request, MaxRequestBytes, context.RequestAborted);
        if (body is null)
        {
            await RefuseAsync(context, refused, $"A request has at most {MaxRequestBytes} bytes, and comes without long breaks.");
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
}
