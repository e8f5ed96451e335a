using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.RateLimiting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Tools.Sales;
using Hyperspace.Host.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Host.Pay;

/// <summary>
/// Sells priced tools to anyone at <c>/pay/{toolId}</c>, on a listener of its own: no token opens it, and whoever holds it up
/// holds up nothing else. Sizes, times, connections and rates are bounded, the last per address.
/// </summary>
internal sealed class PayServer : IAsyncDisposable
{
    private const int MaxBody = 1024 * 1024;
    private const int MaxHeaders = 32 * 1024;
    private const int MaxConnections = 4096;
    private const int MaxRequestsAtOnce = 2048;
    private static readonly TimeSpan ServeTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StreamTimeout = TimeSpan.FromMinutes(10);

    private readonly WebApplication _app;
    private readonly PayLimiter _limiter;

    private PayServer(WebApplication app, PayLimiter limiter) => (_app, _limiter) = (app, limiter);

    /// <summary>Where it is served.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>Takes the address before anything else starts, so that one in use is told at once.</summary>
    public static Socket Bind(PeerOptions options)
    {
        var listen = options.Pay!.Listen;
        if (options.Chains.Count == 0)
        {
            throw CommandException.Usage("--pay-listen sells tools for a token of a chain, and no chain is set up; describe one with --chains FILE, or leave --pay-listen out.");
        }

        var socket = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(listen);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CommandException($"The address {listen} to sell tools at cannot be used ({e.Message}); name another with --pay-listen, or port 0 for a free one.");
        }
    }

    /// <summary>Serves on a bound socket.</summary>
    public static async Task<PayServer> StartAsync(Socket socket, PayOptions options, ToolSales sales, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseUrls($"http://{socket.LocalEndPoint}");
        builder.WebHost.UseSockets(o => o.CreateBoundListenSocket = _ => socket);
        builder.WebHost.ConfigureKestrel(Limit);
        var app = builder.Build();
        var server = new PayServer(app, new PayLimiter(options.RequestsPerSecond, MaxRequestsAtOnce));
        try
        {
            app.Run(context => server.ServeAsync(context, sales));
            await app.StartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        await _limiter.DisposeAsync();
    }

    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.DiscardBodiesThatAreTooLarge();
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaders;
        kestrel.Limits.MaxRequestHeaderCount = 64;
        kestrel.Limits.MaxRequestLineSize = 8 * 1024;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
    }

    private async Task ServeAsync(HttpContext context, ToolSales sales)
    {
        using var admitted = _limiter.Admit(context.Connection.RemoteIpAddress);
        if (!admitted.IsAcquired)
        {
            context.Response.Headers.RetryAfter = "1";
            await RefuseAsync(context, HttpStatusCode.TooManyRequests, "Too many requests from this address, or at once; try again in a second.");
            return;
        }

        if (!PayPath.TryTool(context.Request.Path.Value, out var tool))
        {
            await RefuseAsync(context, HttpStatusCode.NotFound, "Tools are sold at /pay/{toolId}.");
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method) && !HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET, POST";
            await RefuseAsync(context, HttpStatusCode.MethodNotAllowed, "POST the tool's parameters as JSON, or GET with them in the query.");
            return;
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        timeout.CancelAfter(ServeTimeout);
        try
        {
            if (await ReadAsync(context, tool, timeout.Token) is { } request)
            {
                var answer = await sales.ServeAsync(request, timeout.Token);
                if (answer.Stream is not null)
                {
                    timeout.CancelAfter(StreamTimeout);
                }

                await AnswerAsync(context, answer, timeout.Token);
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
        {
            await RefuseAsync(context, HttpStatusCode.GatewayTimeout, "The tool still runs; ask again with the same credential and Idempotency-Key. It is not charged again.");
        }
        catch (OperationCanceledException)
        {
            // The client went away; what it paid for goes on.
        }
    }

    private static async Task<SaleRequest?> ReadAsync(HttpContext context, string tool, CancellationToken cancellationToken)
    {
        var headers = context.Request.Headers;
        var (body, refused) = await RequestBody.ReadAsync(context.Request, MaxBody, cancellationToken);
        if (body is null)
        {
            await RefuseAsync(context, refused, $"A request has at most {MaxBody} bytes, and comes without long breaks.");
            return null;
        }

        string parameters;
        try
        {
            parameters = HttpMethods.IsGet(context.Request.Method) ? PayPath.ParametersOf(context.Request.Query) : new UTF8Encoding(false, true).GetString(body.GetBuffer(), 0, (int)body.Length);
        }
        catch (DecoderFallbackException)
        {
            await RefuseAsync(context, HttpStatusCode.BadRequest, "The body is JSON in UTF-8.");
            return null;
        }

        return new SaleRequest(
            tool,
            context.Request.QueryString.Value ?? "",
            parameters,
            body.ToArray(),
            Values(headers.Authorization),
            Values(headers["PAYMENT-SIGNATURE"]),
            Values(headers["Idempotency-Key"]))
        {
            PaymentSession = Values(headers["Payment-Session"]),
            IsBarePost = HttpMethods.IsPost(context.Request.Method) && body.Length == 0,
        };
    }

    private static async Task AnswerAsync(HttpContext context, SaleAnswer answer, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = answer.ContentType;
        if (answer.Stream is null)
        {
            context.Response.ContentLength = answer.Body.Length;
        }

        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers.Append(name, value);
        }

        if (answer.Stream is not { } pieces)
        {
            await context.Response.Body.WriteAsync(answer.Body, cancellationToken);
            return;
        }

        // The headers leave at once: the first token may wait for a voucher.
        await context.Response.Body.FlushAsync(cancellationToken);
        await foreach (var piece in pieces.WithCancellation(cancellationToken))
        {
            await context.Response.WriteAsync(piece, cancellationToken);
            await context.Response.Body.FlushAsync(cancellationToken);
        }
    }

    private static Task RefuseAsync(HttpContext context, HttpStatusCode status, string detail)
    {
        var problem = new JsonObject { ["type"] = "about:blank", ["title"] = status.ToString(), ["status"] = (int)status, ["detail"] = detail };
        context.Response.StatusCode = (int)status;
        context.Response.ContentType = "application/problem+json";
        return context.Response.WriteAsync(problem.ToJsonString(JsonText.Plain));
    }

    private static IReadOnlyList<string> Values(Microsoft.Extensions.Primitives.StringValues values) => [.. values.OfType<string>()];
}
