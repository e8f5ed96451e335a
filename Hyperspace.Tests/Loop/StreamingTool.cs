using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Tests.Loop;

/// <summary>A tool behind HTTP on loopback that streams as many tokens as it is asked for, as server-sent events.</summary>
internal sealed class StreamingTool : IAsyncDisposable
{
    private WebApplication _app = null!;
    private long _sent;

    private StreamingTool()
    {
    }

    public Uri Url => new(_app.Urls.First());

    /// <summary>Tokens that left it, over all streams.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    public static async Task<StreamingTool> StartAsync()
    {
        var tool = new StreamingTool();
        tool._app = await LoopbackSite.StartAsync(app => app.MapPost("/", async (HttpContext context, Wanted wanted) =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < wanted.Tokens; i++)
            {
                // A write to a connection that is gone succeeds until the abort is told; its flush says that nobody reads.
                var token = Encoding.UTF8.GetBytes($"data: t{i} {new string('.', wanted.Padding)}\n\n");
                if ((await context.Response.BodyWriter.WriteAsync(token, context.RequestAborted)).IsCompleted)
                {
                    return;
                }

                Interlocked.Increment(ref tool._sent);
            }

            await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);
        }));
        return tool;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>The parameters.</summary>
    internal sealed record Wanted(int Tokens, int Padding);
}
