namespace Hyperspace.Libp2p.Rpc;

/// <summary>An inbound call of <c>/hyperspace/rpc/1.0.0</c>.</summary>
/// <param name="Caller">Who calls, proven by the secure channel.</param>
/// <param name="Method">The method's name.</param>
/// <param name="Payload">The request.</param>
/// <param name="Deadline">When the caller stops waiting; the handler's token is cancelled then, and when the caller cancels or goes away.</param>
public sealed record RpcCall(PeerId Caller, string Method, ReadOnlyMemory<byte> Payload, DateTimeOffset Deadline);

/// <summary>Serves a method: yields one frame (unary) or many (server streaming). Throw <see cref="RpcException"/> to answer with a code.</summary>
public delegate IAsyncEnumerable<ReadOnlyMemory<byte>> RpcHandler(RpcCall call, CancellationToken cancellationToken);

/// <summary>How a call failed.</summary>
public enum RpcStatus
{
    /// <summary>The peer cannot be reached, or the stream broke before the end: the outcome is unknown.</summary>
    Unavailable = 1,

    /// <summary>The deadline passed; the outcome is unknown.</summary>
    DeadlineExceeded = 2,

    /// <summary>The caller cancelled.</summary>
    Cancelled = 3,

    /// <summary>The remote does not serve the method.</summary>
    Unimplemented = 4,

    /// <summary>The request was not understood.</summary>
    InvalidArgument = 5,

    /// <summary>Too many calls at once, or too large a frame.</summary>
    ResourceExhausted = 6,

    /// <summary>The handler failed.</summary>
    Internal = 7,

    /// <summary>The remote refused the call.</summary>
    PermissionDenied = 8,
}

/// <summary>A call that did not end well; <see cref="Status"/> says how.</summary>
public sealed class RpcException(RpcStatus status, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How it failed.</summary>
    public RpcStatus Status { get; } = status;
}

/// <summary>Direct calls between peers: length-prefixed protobuf frames, unary and server streaming, deadlines, cancellation.</summary>
public interface IRpc
{
    /// <summary>Serves <paramref name="method"/>.</summary>
    void Handle(string method, RpcHandler handler);

    /// <summary>Calls a peer and yields its frames; a broken, late or refused call throws <see cref="RpcException"/>. Stopping the enumeration cancels the call at the remote.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> CallAsync(PeerId peer, string method, ReadOnlyMemory<byte> payload, TimeSpan deadline, CancellationToken cancellationToken = default);
}

/// <summary>Calls with exactly one answer.</summary>
public static class RpcUnary
{
    /// <summary>Calls a peer and returns its one frame, once the peer has ended the call (so that nothing is cancelled behind the frame).</summary>
    /// <exception cref="RpcException">The call failed, or the peer answered with no frame or with several.</exception>
    public static async Task<ReadOnlyMemory<byte>> CallUnaryAsync(this IRpc rpc, PeerId peer, string method, ReadOnlyMemory<byte> payload, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        ReadOnlyMemory<byte>? answer = null;
        await foreach (var frame in rpc.CallAsync(peer, method, payload, deadline, cancellationToken).ConfigureAwait(false))
        {
            answer = answer is null ? frame : throw new RpcException(RpcStatus.Internal, $"The peer answered '{method}' with more than one frame.");
        }

        return answer ?? throw new RpcException(RpcStatus.Internal, $"The peer ended '{method}' without an answer.");
    }
}
