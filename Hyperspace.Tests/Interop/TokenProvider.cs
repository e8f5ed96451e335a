using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Tests.Interop;

/// <summary>What a provider runs: an HTTP endpoint that streams <c>token 1</c>, <c>token 2</c>, … as server-sent events.</summary>
internal sealed class TokenProvider : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TokenProvider(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    public static async Task<TokenProvider> StartAsync(int tokens)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://{IPAddress.Loopback}:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var n = 1; n <= tokens; n++)
            {
                await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"data: token {n}\n\n"));
                await context.Response.Body.FlushAsync();
            }
        });
        await app.StartAsync();
        return new TokenProvider(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
