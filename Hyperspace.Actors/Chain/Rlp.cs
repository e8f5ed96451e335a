using System.Numerics;

namespace Hyperspace.Actors.Chain;

/// <summary>Ethereum's RLP encoding (Yellow Paper, appendix B); nothing here needs to read it.</summary>
internal static class Rlp
{
    /// <summary>A string of bytes.</summary>
    public static byte[] Bytes(ReadOnlySpan<byte> value) =>
        value.Length == 1 && value[0] < 0x80 ? [value[0]] : [.. Header(0x80, value.Length), .. value];

    /// <summary>A non-negative integer: big-endian without leading zeros, zero is the empty string.</summary>
    public static byte[] Integer(BigInteger value) => Bytes(value.IsZero ? [] : value.ToByteArray(isUnsigned: true, isBigEndian: true));

    /// <summary>A list of items that are encoded already.</summary>
    public static byte[] List(params IReadOnlyList<byte[]> items)
    {
        var size = items.Sum(i => i.Length);
        return [.. Header(0xc0, size), .. items.SelectMany(i => i)];
    }

    private static byte[] Header(byte offset, int length)
    {
        if (length <= 55)
        {
            return [(byte)(offset + length)];
        }

        var size = new BigInteger(length).ToByteArray(isUnsigned: true, isBigEndian: true);
        return [(byte)(offset + 55 + size.Length), .. size];
    }
}
