using Google.Protobuf;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Rpc.Wire;

namespace Hyperspace.Fuzz;

/// <summary>Frames of <c>/hyperspace/rpc/1.0.0</c>. First byte: a request, as the callee reads it; a response, as the caller does.</summary>
internal static class RpcTarget
{
    private static readonly RpcOptions Options = new();

    public static FuzzTarget Create() => new("rpc", Run, Seeds)
    {
        // The caller takes a damaged response for a broken stream: InvalidProtocolBufferException is an IOException.
        Expects = e => e is RpcException or InvalidProtocolBufferException,
        Dictionary = [[0x08, 0x01], [0x12], [0x1a], [0x20], [0x2a], [0x0a], [0x12, 0x02, 0x08, 0x01], [0x1a, 0x00]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        if ((reader.Byte() & 1) == 0)
        {
            var request = RpcFrames.ParseRequest(reader.Rest.ToArray(), Options);
            Invariant.Holds(request.Method.Length > 0 && request.Method.Length <= Options.MaxMethodLength, "A method's name is empty or too long.");
            var deadline = RpcFrames.DeadlineOf(request, Options);
            Invariant.Holds(deadline > TimeSpan.Zero && deadline <= Options.MaxDeadline, "A deadline is out of bounds.");
            Invariant.Holds(Request.Parser.ParseFrom(request.ToByteArray()).Equals(request), "A request changed on the way.");
            return;
        }

        var response = Response.Parser.ParseFrom(reader.Rest);
        if (response.FrameCase == Response.FrameOneofCase.Error)
        {
            var error = RpcFrames.ToException(response.Error);
            Invariant.Holds(Enum.IsDefined(error.Status) && error.Message.Length <= 256, "An error has an unknown status or too long a text.");
        }

        Invariant.Holds(Response.Parser.ParseFrom(response.ToByteArray()).Equals(response), "A response changed on the way.");
    }

    private static IEnumerable<byte[]> Seeds()
    {
        byte[] payload = [1, 2, 3];
        yield return [0, .. RpcFrames.Request("tools.invoke", payload, TimeSpan.FromSeconds(5), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").AsSpan(1)];
        yield return [1, .. RpcFrames.Payload(payload).AsSpan(1)];
        yield return [1, .. RpcFrames.Error(RpcStatus.PermissionDenied, "no").AsSpan(1)];
        yield return [1, .. RpcFrames.End().AsSpan(1)];
    }
}
