using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Tests.Loop;

/// <summary>A tool behind HTTP on loopback that counts how often it really served, by request body; it outlives the peers that are killed.</summary>
internal sealed class CountingTool : IAsyncDisposable
{
    private WebApplication _app = null!;
    private int _served;
    private volatile Gate? _gate;

    private CountingTool()
    {
    }

    public Uri Url => new(_app.Urls.First());

    public int Served => Volatile.Read(ref _served);

    public static async Task<CountingTool> StartAsync()
    {
        var tool = new CountingTool();
        tool._app = await LoopbackSite.StartAsync(app => app.MapPost("/", async () =>
        {
            if (tool._gate is { } gate)
            {
                await gate.PassAsync();
            }

            return Results.Text($"served {Interlocked.Increment(ref tool._served)}");
        }));
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
