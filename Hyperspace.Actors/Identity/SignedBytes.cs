using System.Buffers;
using System.Buffers.Binary;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Actors.Identity;

/// <summary>The deterministic encoding under this project's Ed25519 signatures: it depends on no serializer's whims.</summary>
internal static class SignedBytes
{
    /// <summary>Bytes and texts: their length as an unsigned varint, then they.</summary>
    public static void Append(IBufferWriter<byte> writer, ReadOnlySpan<byte> value)
    {
        Varint.Write(writer, (ulong)value.Length);
        writer.Write(value);
    }

    /// <summary>Numbers: 8 bytes, big-endian.</summary>
    public static void Append(IBufferWriter<byte> writer, ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(writer.GetSpan(8), value);
        writer.Advance(8);
    }
}
