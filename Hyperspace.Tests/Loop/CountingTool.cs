using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Tests.Loop;

/// <summary>A tool behind HTTP on loopback that counts how often it really served, by request body; it outlives the peers that are killed.</summary>
internal sealed class CountingTool : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _served;

    private CountingTool(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    public int Served => Volatile.Read(ref _served);

    public static async Task<CountingTool> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var tool = new CountingTool(app);
        app.MapPost("/", () => Results.Text($"served {Interlocked.Increment(ref tool._served)}"));
        await app.StartAsync();
        return tool;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
