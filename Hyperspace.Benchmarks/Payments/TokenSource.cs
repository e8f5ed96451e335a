using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>What makes the tokens of the benchmark's streams: as many as it is asked for, as server-sent events.</summary>
internal sealed class TokenSource : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TokenSource(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public static async Task<TokenSource> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapPost("/", async (HttpContext context, Wanted wanted) =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < wanted.Tokens; i++)
            {
                await context.Response.WriteAsync("data: token\n\n", context.RequestAborted);
                if (i % 16 == 15)
                {
                    await context.Response.Body.FlushAsync(context.RequestAborted);
                }
            }
        });
        await app.StartAsync();
        return new TokenSource(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>The parameters.</summary>
    internal sealed record Wanted(int Tokens);
}
