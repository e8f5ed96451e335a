using System.Buffers;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>Unsigned LEB128 integers as libp2p uses them: at most 9 bytes, minimal encoding (multiformats/unsigned-varint).</summary>
public static class Varint
{
    /// <summary>Longest encoding that is accepted, in bytes (63 bits of value).</summary>
    public const int MaxLength = 9;

    /// <summary>Number of bytes that <paramref name="value"/> takes.</summary>
    public static int SizeOf(ulong value)
    {
        var size = 1;
        while (value >= 0x80)
        {
            value >>= 7;
            size++;
        }

        return size;
    }

    /// <summary>Writes <paramref name="value"/> at the start of <paramref name="destination"/> and returns the number of bytes written.</summary>
    public static int Write(Span<byte> destination, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            destination[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[i++] = (byte)value;
        return i;
    }

    /// <summary>Appends <paramref name="value"/> to <paramref name="writer"/>.</summary>
    public static void Write(IBufferWriter<byte> writer, ulong value)
    {
        var span = writer.GetSpan(10);
        writer.Advance(Write(span, value));
    }

    /// <summary>
    /// Reads a value from the start of <paramref name="source"/>. <see cref="OperationStatus.NeedMoreData"/> when the
    /// value is cut off; <see cref="OperationStatus.InvalidData"/> when it is longer than 9 bytes or not minimal.
    /// </summary>
    public static OperationStatus TryRead(ReadOnlySpan<byte> source, out ulong value, out int consumed)
    {
        value = 0;
        consumed = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (i == MaxLength)
            {
                return OperationStatus.InvalidData;
            }

            var b = source[i];
            value |= (ulong)(b & 0x7f) << (7 * i);
            if ((b & 0x80) == 0)
            {
                if (b == 0 && i > 0)
                {
                    return OperationStatus.InvalidData;
                }

                consumed = i + 1;
                return OperationStatus.Done;
            }
        }

        return source.Length >= MaxLength ? OperationStatus.InvalidData : OperationStatus.NeedMoreData;
    }

    /// <summary>Reads a value that must be there whole.</summary>
    /// <exception cref="FormatException">The bytes hold no minimal varint.</exception>
    public static ulong Read(ReadOnlySpan<byte> source, out int consumed) =>
        TryRead(source, out var value, out consumed) == OperationStatus.Done
            ? value
            : throw new FormatException("The bytes do not start with a minimal varint of at most 9 bytes.");
}
