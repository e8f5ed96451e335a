using System.Buffers.Binary;

namespace Hyperspace.Libp2p.Yamux;

internal enum YamuxType : byte
{
    Data = 0,
    WindowUpdate = 1,
    Ping = 2,
    GoAway = 3,
}

[Flags]
internal enum YamuxFlags : ushort
{
    None = 0,
    Syn = 1,
    Ack = 2,
    Fin = 4,
    Rst = 8,
}

/// <summary>GoAway's reasons.</summary>
internal enum YamuxGoAway : uint
{
    Normal = 0,
    ProtocolError = 1,
    InternalError = 2,
}

/// <summary>The remote broke Yamux' rules; the connection ends with GoAway(1).</summary>
public sealed class YamuxException(string message) : ProtocolViolationException(message);

/// <summary>Yamux' 12-byte big-endian header: version, type, flags u16, stream id u32, length u32.</summary>
internal readonly record struct YamuxHeader(YamuxType Type, YamuxFlags Flags, uint StreamId, uint Length)
{
    public const int Size = 12;

    /// <exception cref="YamuxException">Another version or an unknown type.</exception>
    public static YamuxHeader Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] != 0 || bytes[1] > (byte)YamuxType.GoAway)
        {
            throw new YamuxException($"A Yamux frame has version 0 and a type up to 3; the remote sent version {bytes[0]}, type {bytes[1]}.");
        }

        return new YamuxHeader(
            (YamuxType)bytes[1],
            (YamuxFlags)BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]));
    }

    public void Write(Span<byte> bytes)
    {
        bytes[0] = 0;
        bytes[1] = (byte)Type;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)Flags);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[8..], Length);
    }
}
