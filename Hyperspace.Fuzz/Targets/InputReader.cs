using System.Buffers.Binary;

namespace Hyperspace.Fuzz;

/// <summary>Takes an input apart into the choices that a target lets it make; past its end everything is zero.</summary>
internal ref struct InputReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _rest = input;

    public readonly bool IsEmpty => _rest.IsEmpty;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte Byte()
    {
        if (_rest.IsEmpty)
        {
            return 0;
        }

        var first = _rest[0];
        _rest = _rest[1..];
        return first;
    }

    public ushort UInt16() => (ushort)((Byte() << 8) | Byte());

    public uint UInt32()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        bytes.Clear();
        Bytes(sizeof(uint)).CopyTo(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>Up to <paramref name="count"/> bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        var taken = _rest[..Math.Min(count, _rest.Length)];
        _rest = _rest[taken.Length..];
        return taken;
    }
}
