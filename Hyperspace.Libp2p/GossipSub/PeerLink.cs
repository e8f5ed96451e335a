using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>The one outbound stream to a peer: opens it, writes what is queued, opens it again when it breaks.</summary>
internal sealed class PeerLink(ISwitch network, PeerId peer, GossipSubOptions options, Action<PeerLink> opened, Action<PeerLink> lost, Action<int> written)
{
    private const int BufferSize = 64 << 10;
    private const int MaxControlBytes = 4 << 20;
    private static readonly TimeSpan OpenTimeout = TimeSpan.FromSeconds(10);
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public PeerId Peer { get; } = peer;

    public OutboundQueue Queue { get; } = new(options.MaxQueuedBytes, MaxControlBytes);

    public void Start() => _loop = Task.Run(RunAsync);

    /// <summary>Ends the loop; the returned task never fails.</summary>
    public Task StopAsync()
    {
        _stop.Cancel();
        return _loop;
    }

    private async Task RunAsync()
    {
        var delay = options.ReopenDelay;
        var first = true;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var stream = await OpenAsync().ConfigureAwait(false);
                await using (stream.ConfigureAwait(false))
                {
                    if (!first)
                    {
                        opened(this);
                    }

                    first = false;
                    delay = options.ReopenDelay;
                    await WriteUntilBrokenAsync(stream).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                options.Logger?.LogDebug("The GossipSub stream to {Peer} is not open: {Reason}", Peer, e.Message);
            }

            if (!network.ConnectedPeers.Contains(Peer))
            {
                lost(this);
                return;
            }

            try
            {
                await Task.Delay(delay, options.TimeProvider, _stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            delay = TimeSpan.FromTicks(Math.Min(delay.Ticks * 2, options.ReopenDelay.Ticks * 32));
        }
    }

    private async Task<IPeerStream> OpenAsync()
    {
        using var timeout = new CancellationTokenSource(OpenTimeout, options.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        return await network.OpenStreamAsync(Peer, GossipSubProtocol.Ids, both.Token).ConfigureAwait(false);
    }

    private async Task WriteUntilBrokenAsync(IPeerStream stream)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var watch = WatchAsync(stream, broken);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (true)
            {
                await Queue.FilledAsync(broken.Token).ConfigureAwait(false);
                var used = 0;
                while (Queue.TryTake(out var frame, out var message))
                {
                    var size = frame?.Length ?? message!.Encoded.Length + 16;
                    if (used + size > buffer.Length && used > 0)
                    {
                        await FlushAsync(stream, buffer.AsMemory(0, used), broken.Token).ConfigureAwait(false);
                        used = 0;
                    }

                    var body = frame is not null ? frame : message!.Encoded;
                    if (message is not null)
                    {
                        used += GossipRpcCodec.WriteMessageHeader(buffer.AsSpan(used), message);
                    }

                    if (size <= buffer.Length)
                    {
                        body.CopyTo(buffer.AsMemory(used));
                        used += body.Length;
                    }
                    else
                    {
                        await FlushAsync(stream, buffer.AsMemory(0, used), broken.Token).ConfigureAwait(false);
                        used = 0;
                        await FlushAsync(stream, body, broken.Token).ConfigureAwait(false);
                    }
                }

                await FlushAsync(stream, buffer.AsMemory(0, used), broken.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            await broken.CancelAsync().ConfigureAwait(false);
            stream.Reset();
            ArrayPool<byte>.Shared.Return(buffer);
            await watch.ConfigureAwait(false);
        }
    }

    private async ValueTask FlushAsync(IPeerStream stream, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (!data.IsEmpty)
        {
            await stream.WriteAsync(data, cancellationToken).ConfigureAwait(false);
            written(data.Length);
        }
    }

    /// <summary>The remote has nothing to say here; reading is how a reset is noticed before the next write.</summary>
    private static async Task WatchAsync(IPeerStream stream, CancellationTokenSource broken)
    {
        var nothing = new byte[64];
        try
        {
            while (await stream.ReadAsync(nothing, broken.Token).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            await broken.CancelAsync().ConfigureAwait(false);
        }
    }
}
