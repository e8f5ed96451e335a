namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Streams on which a request was answered and that may carry the next one to the same peer, which saves opening and
/// negotiating one: one per peer, bounded in number, closed when they lie idle.
/// </summary>
internal sealed class StreamPool : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, (IPeerStream Stream, DateTimeOffset Since)> _idle = [];
    private readonly int _maxStreams;
    private readonly TimeSpan _maxIdle;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private bool _disposed;

    /// <summary>An empty pool.</summary>
    /// <param name="maxStreams">Streams that may lie idle at once.</param>
    /// <param name="maxIdle">How long one may.</param>
    /// <param name="time">The clock.</param>
    public StreamPool(int maxStreams, TimeSpan maxIdle, TimeProvider time)
    {
        (_maxStreams, _maxIdle, _time) = (maxStreams, maxIdle, time);
        _sweep = time.CreateTimer(_ => _ = CloseAsync(Late()), null, maxIdle, maxIdle);
    }

    /// <summary>Takes the idle stream to a peer out; null when there is none.</summary>
    public IPeerStream? Take(PeerId peer)
    {
        lock (_gate)
        {
            return _idle.Remove(peer, out var idle) && _time.GetUtcNow() - idle.Since < _maxIdle ? idle.Stream : null;
        }
    }

    /// <summary>Gives a stream back whose last answer was read whole; it is closed when there is no room for it.</summary>
    public async ValueTask ReturnAsync(IPeerStream stream)
    {
        lock (_gate)
        {
            if (!_disposed && _idle.Count < _maxStreams && _idle.TryAdd(stream.RemotePeer, (stream, _time.GetUtcNow())))
            {
                return;
            }
        }

        await CloseAsync([stream]).ConfigureAwait(false);
    }

    /// <summary>Closes what is idle, and takes nothing back any more.</summary>
    public async ValueTask DisposeAsync()
    {
        List<IPeerStream> all;
        lock (_gate)
        {
            _disposed = true;
            all = [.. _idle.Values.Select(i => i.Stream)];
            _idle.Clear();
        }

        await _sweep.DisposeAsync().ConfigureAwait(false);
        await CloseAsync(all).ConfigureAwait(false);
    }

    private static async Task CloseAsync(IReadOnlyList<IPeerStream> streams)
    {
        foreach (var stream in streams)
        {
            try
            {
                await stream.CloseWriteAsync().ConfigureAwait(false);
                await stream.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The other side was first.
                stream.Reset();
            }
        }
    }

    private List<IPeerStream> Late()
    {
        lock (_gate)
        {
            var late = _idle.Where(i => _time.GetUtcNow() - i.Value.Since >= _maxIdle).ToList();
            late.ForEach(i => _idle.Remove(i.Key));
            return [.. late.Select(i => i.Value.Stream)];
        }
    }
}
