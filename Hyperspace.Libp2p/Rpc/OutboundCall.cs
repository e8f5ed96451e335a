using System.Diagnostics;
using Google.Protobuf;
using Hyperspace.Libp2p.Rpc.Wire;

namespace Hyperspace.Libp2p.Rpc;

/// <summary>One call to a peer: opens the stream, sends the request and reads frames while it is still being sent.</summary>
internal sealed class OutboundCall(ISwitch @switch, RpcOptions options, TimeProvider time, PeerId peer, string method) : IAsyncDisposable
{
    private IPeerStream? _stream;
    private TimedCancellation? _timer;
    private Activity? _activity;
    private Task _sending = Task.CompletedTask;
    private CancellationToken _stopping;
    private CancellationToken _cancelled;
    private bool _ended;

    /// <summary>Opens the stream and starts to send.</summary>
    /// <exception cref="RpcException">The call cannot be made.</exception>
    public async Task StartAsync(ReadOnlyMemory<byte> payload, TimeSpan deadline, CancellationToken stopping, CancellationToken cancellationToken)
    {
        (_stopping, _cancelled) = (stopping, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        if (method.Length == 0 || method.Length > options.MaxMethodLength)
        {
            throw new RpcException(RpcStatus.InvalidArgument, $"A method name has 1 to {options.MaxMethodLength} characters.");
        }

        if (payload.Length > options.MaxRequestBytes)
        {
            throw new RpcException(RpcStatus.ResourceExhausted, $"A request has at most {options.MaxRequestBytes} bytes; this one has {payload.Length}.");
        }

        if (deadline <= TimeSpan.Zero)
        {
            throw new RpcException(RpcStatus.DeadlineExceeded, "The deadline had passed before the call; the peer was not asked.");
        }

        deadline = deadline < options.MaxDeadline ? deadline : options.MaxDeadline;
        _activity = RpcFrames.Activities.StartActivity(method, ActivityKind.Client);
        _timer = new TimedCancellation(deadline, time, stopping, cancellationToken);
        try
        {
            _stream = await @switch.OpenStreamAsync(peer, [RpcService.ProtocolId], _timer.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            throw Translate(e);
        }

        var request = RpcFrames.Request(method, payload, deadline, (_activity ?? Activity.Current)?.Id);

        // Not awaited: a callee may refuse before it has read all, and then no longer opens its window.
        _sending = _stream.WriteAsync(request, _timer.Token).AsTask();
    }

    /// <summary>The next frame, or null at the end.</summary>
    /// <exception cref="RpcException">The call failed.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> NextAsync()
    {
        try
        {
            while (await _stream!.ReadMessageAsync(options.MaxFrameBytes + RpcFrames.Overhead, _timer!.Token).ConfigureAwait(false) is { } bytes)
            {
                var response = Response.Parser.ParseFrom(bytes);
                switch (response.FrameCase)
                {
                    case Response.FrameOneofCase.Payload:
                        return response.Payload.Length <= options.MaxFrameBytes
                            ? response.Payload.Memory
                            : throw new RpcException(RpcStatus.ResourceExhausted, $"The peer's answer has a frame over {options.MaxFrameBytes} bytes.");
                    case Response.FrameOneofCase.End:
                        _ended = true;
                        return null;
                    case Response.FrameOneofCase.Error:
                        _ended = true;
                        throw RpcFrames.ToException(response.Error);
                    case Response.FrameOneofCase.None:
                        break;
                }
            }

            throw new EndOfStreamException("The peer closed the stream before the answer's end.");
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            throw Translate(e);
        }
    }

    /// <summary>Closes the stream after the end, resets it before: that is how the callee learns of a cancellation.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stream is { } stream)
        {
            if (!_ended || !_sending.IsCompletedSuccessfully)
            {
                stream.Reset();
            }

            await _timer!.CancelAsync().ConfigureAwait(false);
            await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await stream.DisposeAsync().ConfigureAwait(false);
        }

        _timer?.Dispose();
        _activity?.Dispose();
    }

    private Exception Translate(Exception e) => e switch
    {
        MessageTooLargeException => new RpcException(RpcStatus.ResourceExhausted, $"The peer's answer is too large: {e.Message}", e),
        MessageFramingException or InvalidProtocolBufferException => new RpcException(RpcStatus.Internal, "The peer's answer is not of the protocol.", e),
        IOException or ObjectDisposedException => new RpcException(RpcStatus.Unavailable, $"The call of '{method}' broke: {e.Message}", e),
        _ when _cancelled.IsCancellationRequested => new OperationCanceledException($"The call of '{method}' was cancelled.", e, _cancelled),
        _ when _stopping.IsCancellationRequested => new RpcException(RpcStatus.Unavailable, "This peer is shutting down.", e),
        _ => new RpcException(RpcStatus.DeadlineExceeded, $"'{method}' was not answered before the deadline; its outcome is unknown.", e),
    };
}
