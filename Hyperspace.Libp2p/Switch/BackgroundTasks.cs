using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Tasks that nobody awaits until shutdown; a fault is logged.</summary>
internal sealed class BackgroundTasks(ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private bool _closed;

    /// <summary>Starts work on the thread pool; ignored after <see cref="DrainAsync"/>.</summary>
    public void Run(Func<Task> work)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            var task = Task.Run(work);
            _running.Add(task);
            _ = RemoveAsync(task);
        }
    }

    /// <summary>Takes no more work and waits for what runs.</summary>
    public Task DrainAsync()
    {
        lock (_gate)
        {
            _closed = true;
            return Task.WhenAll(_running).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task RemoveAsync(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (task.Exception is { } fault)
        {
            logger.LogError(fault.InnerException, "A background task of the switch failed");
        }

        lock (_gate)
        {
            _running.Remove(task);
        }
    }
}
