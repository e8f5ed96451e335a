using System.Buffers;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>Varints and length-prefixed messages, by both readers. First byte: which; second: size of the pieces that arrive.</summary>
internal static class FramingTarget
{
    private const int MaxMessage = 64 * 1024;

    public static FuzzTarget Create() => new("framing", Run, Seeds)
    {
        Expects = e => e is MessageFramingException or EndOfStreamException or InvalidDataException,

        // A byte may be a whole message, empty, for which a reader and its task are made.
        AllocationPerByte = 512,
        Dictionary = [[0x80, 0x80, 0x04], [0x81, 0x80, 0x04], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte() % 3;
        var piece = reader.Byte() + 1;
        var bytes = reader.Rest.ToArray();
        switch (mode)
        {
            case 0:
                RunVarint(bytes);
                break;
            case 1:
                RunMessages(bytes, new ByteStream(bytes, piece));
                break;
            default:
                RunFrames(bytes, new ByteStream(bytes, piece));
                break;
        }
    }

    private static void RunVarint(ReadOnlySpan<byte> bytes)
    {
        var status = Varint.TryRead(bytes, out var value, out var consumed);
        if (status == OperationStatus.Done)
        {
            Span<byte> again = stackalloc byte[10];
            Invariant.Holds(again[..Varint.Write(again, value)].SequenceEqual(bytes[..consumed]), "A varint was read that is not how its value is written.");
            Invariant.Holds(Varint.SizeOf(value) == consumed, "SizeOf and the encoding disagree.");
        }
        else
        {
            Invariant.Holds(status == OperationStatus.InvalidData || bytes.Length < Varint.MaxLength, "More data was asked for although the longest varint was there.");
        }
    }

    private static void RunMessages(byte[] bytes, ByteStream stream)
    {
        var written = new ArrayBufferWriter<byte>(bytes.Length + 1);
        while (stream.ReadMessageAsync(MaxMessage).Now() is { } message)
        {
            Varint.Write(written, (ulong)message.Length);
            written.Write(message);
        }

        Invariant.Holds(written.WrittenSpan.SequenceEqual(bytes), "The messages that were read are not the bytes that came.");
    }

    private static void RunFrames(byte[] bytes, ByteStream stream)
    {
        var written = new ArrayBufferWriter<byte>(bytes.Length + 1);
        using var reader = new RpcFrameReader(stream, MaxMessage);
        while (reader.ReadAsync(default).Now() is { } frame)
        {
            Varint.Write(written, (ulong)frame.Length);
            written.Write(frame.Span);
        }

        Invariant.Holds(written.WrittenSpan.SequenceEqual(bytes), "The frames that were read are not the bytes that came.");
    }

    private static IEnumerable<byte[]> Seeds() =>
    [
        [0, 0, 0x01],
        [0, 0, 0xac, 0x02],
        [1, 9, 0x03, 1, 2, 3, 0x00, 0x01, 7],
        [2, 9, 0x03, 1, 2, 3, 0x00, 0x01, 7],
        [2, 255, 0x80, 0x01, .. new byte[128], 0x80, 0x02, .. new byte[256]],
        [1, 255, 0x80, 0x01, .. new byte[128], 0x80, 0x02, .. new byte[256]],
    ];
}
