using System.Collections.Concurrent;
using System.Diagnostics;
using Hyperspace.Libp2p.Rpc.Wire;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Rpc;

/// <summary>Serves one stream: reads the request, runs the handler, writes its frames and how it ended.</summary>
internal sealed class InboundCall(IPeerStream stream, RpcOptions options, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan ErrorTimeout = TimeSpan.FromSeconds(5);
    private bool _insideFrame;

    /// <summary>Answers with a failure and closes this side.</summary>
    public async Task RefuseAsync(RpcException failure, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(ErrorTimeout, time, cancellationToken);
        await WriteAsync(RpcFrames.Error(failure.Status, failure.Message), timer.Token).ConfigureAwait(false);
        await stream.CloseWriteAsync(timer.Token).ConfigureAwait(false);
    }

    /// <summary>Serves the call. A fault (a broken or silent stream) makes the switch reset the stream.</summary>
    public async Task ServeAsync(ConcurrentDictionary<string, RpcHandler> handlers, CancellationToken stopping, CancellationToken cancellationToken)
    {
        RpcException failure;
        try
        {
            var request = await ReadRequestAsync(stopping, cancellationToken).ConfigureAwait(false);
            var handler = handlers.GetValueOrDefault(request.Method)
                ?? throw new RpcException(RpcStatus.Unimplemented, $"The peer does not serve '{request.Method}'.");
            await RunAsync(request, handler, stopping, cancellationToken).ConfigureAwait(false);
            return;
        }
        catch (RpcException e)
        {
            failure = e;
        }

        if (_insideFrame)
        {
            throw new IOException("The answer broke off inside a frame.", failure);
        }

        await RefuseAsync(failure, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Request> ReadRequestAsync(CancellationToken stopping, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(options.RequestTimeout, time, stopping, cancellationToken);
        try
        {
            var bytes = await stream.ReadMessageAsync(options.MaxRequestBytes + RpcFrames.Overhead, timer.Token).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The caller closed the stream without a request.");
            return RpcFrames.ParseRequest(bytes, options);
        }
        catch (MessageTooLargeException e)
        {
            throw new RpcException(RpcStatus.ResourceExhausted, e.Message);
        }
        catch (MessageFramingException e)
        {
            throw new RpcException(RpcStatus.InvalidArgument, e.Message);
        }
        catch (OperationCanceledException) when (timer.TimedOut)
        {
            throw new RpcException(RpcStatus.DeadlineExceeded, $"The request did not arrive within {options.RequestTimeout.TotalSeconds:0} s.");
        }
    }

    private async Task RunAsync(Request request, RpcHandler handler, CancellationToken stopping, CancellationToken cancellationToken)
    {
        using var activity = RpcFrames.Activities.StartActivity(request.Method, ActivityKind.Server, request.Traceparent);
        var allowed = RpcFrames.DeadlineOf(request, options);
        using var timer = new TimedCancellation(allowed, time, stopping, cancellationToken);
        var call = new RpcCall(stream.RemotePeer, request.Method, request.Payload.Memory, time.GetUtcNow() + allowed);
        var caller = WatchCallerAsync(timer);
        try
        {
            await RunHandlerAsync(handler, call, timer).ConfigureAwait(false);
            await WriteAsync(RpcFrames.End(), timer.Token).ConfigureAwait(false);
            await stream.CloseWriteAsync(timer.Token).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            throw;
        }
        catch (OperationCanceledException) when (timer.Token.IsCancellationRequested)
        {
            throw timer.TimedOut ? new RpcException(RpcStatus.DeadlineExceeded, $"'{call.Method}' did not end within {allowed.TotalMilliseconds:0} ms.")
                : stopping.IsCancellationRequested ? new RpcException(RpcStatus.Unavailable, "The peer is shutting down.")
                : new IOException("The caller is gone.");
        }
        finally
        {
            await timer.CancelAsync().ConfigureAwait(false);
            await caller.ConfigureAwait(false);
        }
    }

    private async Task RunHandlerAsync(RpcHandler handler, RpcCall call, TimedCancellation timer)
    {
        var frames = Guard(call, () => handler(call, timer.Token).GetAsyncEnumerator(timer.Token));
        var next = Task.FromResult(false);
        try
        {
            while (true)
            {
                next = frames.MoveNextAsync().AsTask();

                // A handler that ignores its token must not keep the caller waiting beyond the deadline.
                if (!await next.WaitAsync(timer.Token).ConfigureAwait(false))
                {
                    return;
                }

                var frame = frames.Current;
                if (frame.Length > options.MaxFrameBytes)
                {
                    throw new RpcException(RpcStatus.ResourceExhausted, $"The answer of '{call.Method}' has a frame over {options.MaxFrameBytes} bytes.");
                }

                await WriteAsync(RpcFrames.Payload(frame), timer.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (next.IsFaulted && e is not RpcException)
        {
            throw Failed(call, e);
        }
        catch (OperationCanceledException) when (!timer.Token.IsCancellationRequested)
        {
            throw new RpcException(RpcStatus.Cancelled, $"'{call.Method}' was cancelled by the peer that serves it.");
        }
        finally
        {
            if (next.IsCompleted)
            {
                await frames.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                Abandon(frames, next, call);
            }
        }
    }

    private IAsyncEnumerator<ReadOnlyMemory<byte>> Guard(RpcCall call, Func<IAsyncEnumerator<ReadOnlyMemory<byte>>> start)
    {
        try
        {
            return start();
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Failed(call, e);
        }
    }

    private RpcException Failed(RpcCall call, Exception e)
    {
        logger.LogError(e, "The handler of rpc method {Method} failed for {Caller}.", call.Method, call.Caller);
        return new RpcException(RpcStatus.Internal, $"'{call.Method}' failed at the peer; its log says why.");
    }

    private void Abandon(IAsyncEnumerator<ReadOnlyMemory<byte>> frames, Task<bool> next, RpcCall call) => _ = next.ContinueWith(
        async ended =>
        {
            if (ended.Exception?.InnerException is { } e and not OperationCanceledException)
            {
                logger.LogWarning(e, "The handler of rpc method {Method} failed after its caller was gone.", call.Method);
            }

            await frames.DisposeAsync().ConfigureAwait(false);
        },
        CancellationToken.None,
        TaskContinuationOptions.None,
        TaskScheduler.Default);

    // The caller has nothing more to say: a reset here is its cancellation, a byte is a fault, a half-close is nothing.
    private async Task WatchCallerAsync(TimedCancellation call)
    {
        try
        {
            if (await stream.ReadAsync(new byte[1], call.Token).ConfigureAwait(false) > 0)
            {
                stream.Reset();
                await call.CancelAsync().ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            await call.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (call.Token.IsCancellationRequested)
        {
            // The call has ended.
        }
    }

    private async Task WriteAsync(byte[] frame, CancellationToken cancellationToken)
    {
        _insideFrame = true;
        await stream.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        _insideFrame = false;
    }
}
