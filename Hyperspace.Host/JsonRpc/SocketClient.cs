using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Hyperspace.Host.JsonRpc;

/// <summary>One WebSocket: calls run side by side up to a limit; one writer; a slow reader loses notifications, not replies.</summary>
internal sealed class SocketClient(WebSocket socket, CancellationToken aborted) : INotifications, IDisposable
{
    private const int MaxConcurrent = 64;
    private const int MaxQueued = 1024;
    private readonly CancellationTokenSource _closed = CancellationTokenSource.CreateLinkedTokenSource(aborted);
    private readonly SemaphoreSlim _running = new(MaxConcurrent);
    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });

    // Read once: calls may still look at it after the source is disposed.
    public CancellationToken Closed { get; private set; }

    public Subscriptions Subscriptions { get; } = new();

    public bool TryNotify(string method, JsonObject parameters) =>
        _outgoing.Writer.TryWrite(Encode(new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method, ["params"] = parameters }));

    public async Task RunAsync(JsonRpcDispatcher dispatcher)
    {
        Closed = _closed.Token;
        var writing = WriteAsync();
        try
        {
            while (await ReceiveAsync() is { } message)
            {
                await _running.WaitAsync(Closed);
                _ = ServeAsync(dispatcher, message);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client went away; there is nobody to tell.
        }
        finally
        {
            await _closed.CancelAsync();
            _outgoing.Writer.TryComplete();
            await writing;
        }
    }

    public void Dispose() => _closed.Dispose();

    private static byte[] Encode(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString(JsonText.Plain));

    private async Task ServeAsync(JsonRpcDispatcher dispatcher, byte[] message)
    {
        try
        {
            var reply = await dispatcher.DispatchAsync(message, this, Closed);
            if (reply is not null)
            {
                await _outgoing.Writer.WriteAsync(Encode(reply), Closed);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            // The client went away before its answer.
        }
        finally
        {
            _running.Release();
        }
    }

    private async Task<byte[]?> ReceiveAsync()
    {
        using var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, Closed);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
                return null;
            }

            message.Write(buffer, 0, part.Count);
            if (message.Length > ApiServer.MaxRequestBytes)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, $"at most {ApiServer.MaxRequestBytes} bytes", CancellationToken.None);
                return null;
            }

            if (part.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(Closed))
            {
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, Closed);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            await _closed.CancelAsync();
        }
    }
}
