namespace Hyperspace.Libp2p.GossipSub;

/// <summary>Walks the fields of one protobuf message without allocating. Groups are refused (proto3 has none).</summary>
internal ref struct WireReader(ReadOnlySpan<byte> source)
{
    public const int VarintType = 0;
    public const int LengthDelimited = 2;

    private readonly ReadOnlySpan<byte> _source = source;
    private int _position;

    /// <summary>The bytes are no protobuf message; what was read so far must be thrown away.</summary>
    public bool Malformed { get; private set; }

    /// <summary>False once a varint was longer than it had to be: then the bytes are not how an encoder would write them.</summary>
    public bool Minimal { get; private set; } = true;

    /// <summary>Where the last length-delimited value starts.</summary>
    public int ValueStart { get; private set; }

    /// <summary>Where the last field starts (its tag).</summary>
    public int FieldStart { get; private set; }

    /// <summary>Reads the next field; false at the end and on malformed bytes.</summary>
    public bool Next(out int field, out int type, out ulong value, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        (field, type, value) = (0, 0, 0);
        if (Malformed || _position == _source.Length)
        {
            return false;
        }

        FieldStart = _position;
        if (!Varint(out var tag) || tag >> 3 is 0 or > 0x1fffffff)
        {
            return Fail();
        }

        field = (int)(tag >> 3);
        type = (int)(tag & 7);
        switch (type)
        {
            case VarintType:
                return Varint(out value) || Fail();
            case LengthDelimited when Varint(out var length) && length <= (ulong)(_source.Length - _position):
                ValueStart = _position;
                bytes = _source.Slice(_position, (int)length);
                _position += (int)length;
                return true;
            case 1:
                return Skip(8);
            case 5:
                return Skip(4);
            default:
                return Fail();
        }
    }

    private bool Skip(int count)
    {
        if (_source.Length - _position < count)
        {
            return Fail();
        }

        _position += count;
        return true;
    }

    private bool Varint(out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 70 && _position < _source.Length; shift += 7)
        {
            var b = _source[_position++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                Minimal &= b != 0 || shift == 0;
                return true;
            }
        }

        return false;
    }

    private bool Fail()
    {
        Malformed = true;
        return false;
    }
}
