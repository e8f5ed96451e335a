using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Libp2p.Relay;

/// <summary>A stream to or from a relay as the bytes under a relayed connection, which is secured and multiplexed like any other.</summary>
internal sealed class CircuitStream(IPeerStream stream) : DuplexStream
{
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the relayed connection gave the stream up.</summary>
    public Task Disposed => _disposed.Task;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => stream.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => stream.WriteAsync(buffer, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing && _disposed.TrySetResult())
        {
            // Completes at once; nothing is waited for.
            _ = stream.DisposeAsync();
        }

        base.Dispose(disposing);
    }
}
