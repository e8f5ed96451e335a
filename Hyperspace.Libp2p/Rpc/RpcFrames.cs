using System.Diagnostics;
using Google.Protobuf;
using Hyperspace.Libp2p.Rpc.Wire;

namespace Hyperspace.Libp2p.Rpc;

/// <summary>The frames of the protocol as bytes; pure.</summary>
internal static class RpcFrames
{
    public const uint Version = 1;

    /// <summary>What a frame may hold besides its payload: tags, lengths, the method's name and the trace.</summary>
    public const int Overhead = 1024;

    private const int MaxErrorLength = 256;
    private const int MaxTraceLength = 128;

    /// <summary>The source of the activities that follow a call from caller to handler.</summary>
    public static readonly ActivitySource Activities = new("Hyperspace.Libp2p.Rpc");

    public static byte[] Request(string method, ReadOnlyMemory<byte> payload, TimeSpan deadline, string? traceparent) => new Request
    {
        Version = Version,
        Method = method,
        Payload = UnsafeByteOperations.UnsafeWrap(payload),
        DeadlineMs = (ulong)Math.Ceiling(deadline.TotalMilliseconds),
        Traceparent = traceparent is { Length: <= MaxTraceLength } ? traceparent : "",
    }.ToLengthPrefixed();

    public static byte[] Payload(ReadOnlyMemory<byte> payload) =>
        new Response { Payload = UnsafeByteOperations.UnsafeWrap(payload) }.ToLengthPrefixed();

    public static byte[] Error(RpcStatus status, string message) => new Response
    {
        Error = new Error { Status = (uint)status, Message = message.Length <= MaxErrorLength ? message : message[..MaxErrorLength] },
    }.ToLengthPrefixed();

    public static byte[] End() => new Response { End = new End() }.ToLengthPrefixed();

    /// <summary>Reads a request and judges everything but the method's existence.</summary>
    /// <exception cref="RpcException">What to answer when it is not acceptable.</exception>
    public static Request ParseRequest(byte[] bytes, RpcOptions options)
    {
        Request request;
        try
        {
            request = Wire.Request.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "The request is not a protobuf message of the protocol.");
        }

        if (request.Version != Version)
        {
            throw new RpcException(RpcStatus.Unimplemented, $"Version {request.Version} is not served; send version {Version}.");
        }

        if (request.Method.Length == 0 || request.Method.Length > options.MaxMethodLength)
        {
            throw new RpcException(RpcStatus.InvalidArgument, $"A method name has 1 to {options.MaxMethodLength} characters.");
        }

        return request.Payload.Length <= options.MaxRequestBytes
            ? request
            : throw new RpcException(RpcStatus.ResourceExhausted, $"A request has at most {options.MaxRequestBytes} bytes.");
    }

    /// <summary>The time that a request leaves, within the limit.</summary>
    public static TimeSpan DeadlineOf(Request request, RpcOptions options)
    {
        var limit = options.MaxDeadline;
        return request.DeadlineMs == 0 || request.DeadlineMs > limit.TotalMilliseconds ? limit : TimeSpan.FromMilliseconds(request.DeadlineMs);
    }

    /// <summary>The failure that an error frame tells; the remote's text is cut, its number checked.</summary>
    public static RpcException ToException(Error error)
    {
        var status = Enum.IsDefined((RpcStatus)error.Status) ? (RpcStatus)error.Status : RpcStatus.Internal;
        return new RpcException(status, error.Message.Length <= MaxErrorLength ? error.Message : error.Message[..MaxErrorLength]);
    }
}
