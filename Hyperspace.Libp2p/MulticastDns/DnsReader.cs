using System.Buffers.Binary;
using System.Text;

namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>
/// Reads DNS messages (RFC 1035). A compression pointer must lead backwards, so that names end; names have at most 255 bytes, messages
/// at most <see cref="MaxLength"/> and <see cref="MaxEntries"/> entries.
/// </summary>
internal ref struct DnsReader
{
    /// <summary>Longest message, in bytes (RFC 6762 section 17).</summary>
    public const int MaxLength = 9000;

    /// <summary>Questions and records of one message.</summary>
    public const int MaxEntries = 256;

    /// <summary>Longest label of a name, in bytes.</summary>
    public const int MaxLabel = 63;

    private const int MaxName = 255;

    private readonly ReadOnlySpan<byte> _message;
    private int _position;

    private DnsReader(ReadOnlySpan<byte> message) => _message = message;

    /// <summary>Reads a message; records of types other than PTR and TXT are left out.</summary>
    /// <exception cref="DnsException">The bytes are no DNS message, or exceed a bound.</exception>
    public static DnsMessage Read(ReadOnlySpan<byte> message)
    {
        if (message.Length > MaxLength)
        {
            throw new DnsException($"A DNS message has at most {MaxLength} bytes.");
        }

        var reader = new DnsReader(message);
        _ = reader.Read16();
        var isResponse = (reader.Read16() & 0x8000) != 0;
        var (questions, answers, authorities, additionals) = (reader.Read16(), reader.Read16(), reader.Read16(), reader.Read16());
        if (questions + answers + authorities + additionals > MaxEntries)
        {
            throw new DnsException($"A DNS message has at most {MaxEntries} entries.");
        }

        var asked = new List<DnsQuestion>();
        for (var i = 0; i < questions; i++)
        {
            asked.Add(new DnsQuestion(reader.ReadName(), (DnsType)reader.Read16()));
            _ = reader.Read16();
        }

        var answered = reader.ReadRecords(answers);
        _ = reader.ReadRecords(authorities);
        return new DnsMessage(isResponse, asked, answered, reader.ReadRecords(additionals));
    }

    private List<DnsRecord> ReadRecords(int count)
    {
        var records = new List<DnsRecord>();
        for (var i = 0; i < count; i++)
        {
            var name = ReadName();
            var type = (DnsType)Read16();
            _ = Read16();
            var ttl = ((uint)Read16() << 16) | Read16();
            var end = Read16() + _position;
            if (end > _message.Length)
            {
                throw new DnsException("The DNS record is cut off.");
            }

            switch (type)
            {
                case DnsType.Pointer:
                    records.Add(DnsRecord.Pointer(name, ttl, ReadName()));
                    break;
                case DnsType.Text:
                    records.Add(DnsRecord.Text(name, ttl, ReadTexts(end)));
                    break;
                default:
                    _position = end;
                    break;
            }

            if (_position != end)
            {
                throw new DnsException("The DNS record is longer or shorter than it says.");
            }
        }

        return records;
    }

    private List<string> ReadTexts(int end)
    {
        var texts = new List<string>();
        while (_position < end)
        {
            var length = ReadByte();
            if (_position + length > end)
            {
                throw new DnsException("A text of the DNS record is cut off.");
            }

            texts.Add(Encoding.UTF8.GetString(_message.Slice(_position, length)));
            _position += length;
        }

        return texts;
    }

    private string ReadName()
    {
        var name = new StringBuilder();
        var total = 0;
        var at = _position;
        var earliest = _position;
        int? after = null;
        while (true)
        {
            var length = At(at++);
            if (length == 0)
            {
                _position = after ?? at;
                return name.ToString();
            }

            if (length >= 0xc0)
            {
                var target = ((length & 0x3f) << 8) | At(at++);
                after ??= at;

                // Strictly before all that was read of this name so far: that cannot go round.
                at = target < earliest ? earliest = target : throw new DnsException("A compression pointer must lead backwards.");
                continue;
            }

            total += length + 1;
            if (length > MaxLabel || total > MaxName || at + length > _message.Length)
            {
                throw new DnsException("The DNS name is too long, cut off, or of a kind that is not known.");
            }

            name.Append(name.Length == 0 ? "" : ".").Append(Encoding.UTF8.GetString(_message.Slice(at, length)));
            at += length;
        }
    }

    private readonly byte At(int position) => position < _message.Length ? _message[position] : throw new DnsException("The DNS message is cut off.");

    private byte ReadByte() => At(_position++);

    private ushort Read16()
    {
        if (_position + 2 > _message.Length)
        {
            throw new DnsException("The DNS message is cut off.");
        }

        var value = BinaryPrimitives.ReadUInt16BigEndian(_message[_position..]);
        _position += 2;
        return value;
    }
}
