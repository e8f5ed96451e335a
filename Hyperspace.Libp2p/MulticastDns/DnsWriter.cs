using System.Buffers.Binary;
using System.Text;

namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>Writes DNS messages, names in full.</summary>
internal static class DnsWriter
{
    private const ushort Response = 0x8400;
    private const ushort InternetClass = 1;

    /// <summary>The message's bytes.</summary>
    /// <exception cref="ArgumentException">A label is empty or longer than 63 bytes, or a text longer than 255.</exception>
    public static byte[] Write(DnsMessage message)
    {
        using var stream = new MemoryStream();
        Write16(stream, 0);
        Write16(stream, message.IsResponse ? Response : (ushort)0);
        Write16(stream, (ushort)message.Questions.Count);
        Write16(stream, (ushort)message.Answers.Count);
        Write16(stream, 0);
        Write16(stream, (ushort)message.Additionals.Count);
        foreach (var question in message.Questions)
        {
            WriteName(stream, question.Name);
            Write16(stream, (ushort)question.Type);
            Write16(stream, InternetClass);
        }

        foreach (var record in message.Answers.Concat(message.Additionals))
        {
            WriteRecord(stream, record);
        }

        return stream.ToArray();
    }

    private static void WriteRecord(MemoryStream stream, DnsRecord record)
    {
        using var data = new MemoryStream();
        if (record.Target is { } target)
        {
            WriteName(data, target);
        }

        foreach (var text in record.Texts)
        {
            WriteText(data, text, byte.MaxValue);
        }

        WriteName(stream, record.Name);
        Write16(stream, (ushort)(record.Target is null ? DnsType.Text : DnsType.Pointer));
        Write16(stream, InternetClass);
        Write16(stream, (ushort)(record.Ttl >> 16));
        Write16(stream, (ushort)record.Ttl);
        Write16(stream, (ushort)data.Length);
        data.WriteTo(stream);
    }

    private static void WriteName(MemoryStream stream, string name)
    {
        foreach (var label in name.Split('.'))
        {
            ArgumentException.ThrowIfNullOrEmpty(label, nameof(name));
            WriteText(stream, label, DnsReader.MaxLabel);
        }

        stream.WriteByte(0);
    }

    private static void WriteText(MemoryStream stream, string text, int max)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, max, nameof(text));
        stream.WriteByte((byte)bytes.Length);
        stream.Write(bytes);
    }

    private static void Write16(MemoryStream stream, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        stream.Write(bytes);
    }
}
