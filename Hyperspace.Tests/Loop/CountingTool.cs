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
    private volatile Gate? _gate;

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
        app.MapPost("/", async () =>
        {
            if (tool._gate is { } gate)
            {
                await gate.PassAsync();
            }

            return Results.Text($"served {Interlocked.Increment(ref tool._served)}");
        });
        await app.StartAsync();
        return tool;
    }

    /// <summary>Holds every call back until the gate is opened.</summary>
    public Gate Close() => _gate = new Gate();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    internal sealed class Gate : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the first call is held back.</summary>
        public Task Reached => _reached.Task.WaitAsync(Patience);

        public void Open() => _open.TrySetResult();

        public void Dispose() => Open();

        public Task PassAsync()
        {
            _reached.TrySetResult();
            return _open.Task;
        }
    }
}
