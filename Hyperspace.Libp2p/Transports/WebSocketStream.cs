using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Hyperspace.Libp2p.Transports;

/// <summary>A WebSocket's binary messages as one stream of bytes (libp2p/specs websockets): where a message ends means nothing.</summary>
internal sealed class WebSocketStream(WebSocket socket) : DuplexStream
{
    /// <inheritdoc/>
    /// <exception cref="IOException">The WebSocket broke, or a text message came.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                switch (received.MessageType)
                {
                    case WebSocketMessageType.Close:
                        return 0;
                    case WebSocketMessageType.Text:
                        throw new IOException("The remote sent a text message over the WebSocket; libp2p sends binary ones.");
                    case WebSocketMessageType.Binary when received.Count > 0 || buffer.IsEmpty:
                        return received.Count;
                }
            }
        }
        catch (WebSocketException e)
        {
            throw new IOException($"The WebSocket broke: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The WebSocket broke.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException and not ObjectDisposedException)
        {
            // Invalid: the remote has closed it.
            throw new IOException($"The WebSocket broke: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Dispose();
        }

        base.Dispose(disposing);
    }
}
