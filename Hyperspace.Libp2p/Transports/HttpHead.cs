using System.Text;

namespace Hyperspace.Libp2p.Transports;

/// <summary>The first line and the header fields of an HTTP/1.1 message (RFC 9112), as far as an upgrade needs them.</summary>
internal sealed class HttpHead
{
    /// <summary>Longest head that is read, in bytes.</summary>
    public const int MaxLength = 8 * 1024;

    private readonly List<(string Name, string Value)> _fields = [];

    private HttpHead(string firstLine) => FirstLine = firstLine;

    /// <summary>The request line or the status line.</summary>
    public string FirstLine { get; }

    /// <summary>Reads a head, the empty line at its end included; null when it is none.</summary>
    public static HttpHead? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxLength || !bytes.EndsWith("\r\n\r\n"u8) || bytes.ContainsAnyExceptInRange((byte)'\t', (byte)'~'))
        {
            return null;
        }

        var lines = Encoding.ASCII.GetString(bytes[..^4]).Split("\r\n");
        var head = new HttpHead(lines[0]);
        foreach (var line in lines.AsSpan(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAny(" \t\r\n") || line.AsSpan().ContainsAny("\r\n"))
            {
                return null;
            }

            head._fields.Add((line[..colon], line[(colon + 1)..].Trim(' ', '\t')));
        }

        return head;
    }

    /// <summary>A field's value when it stands there exactly once.</summary>
    public string? Single(string name)
    {
        var values = _fields.Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(f => f.Value).Take(2).ToArray();
        return values is [var only] ? only : null;
    }

    /// <summary>True when one of a field's comma-separated values is <paramref name="token"/>.</summary>
    public bool Has(string name, string token) => _fields
        .Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        .SelectMany(f => f.Value.Split(',', StringSplitOptions.TrimEntries))
        .Contains(token, StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads from a stream up to the empty line, and returns what came behind it as well.</summary>
    /// <exception cref="IOException">The stream ended before, or the head is longer than <see cref="MaxLength"/>.</exception>
    public static async Task<(byte[] Head, byte[] Behind)> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxLength];
        for (var length = 0; ;)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                throw new IOException(length == buffer.Length ? $"An HTTP head is longer than {MaxLength} bytes." : "The remote closed the connection in the middle of an HTTP head.");
            }

            var seen = Math.Max(0, length - 3);
            length += read;
            var end = buffer.AsSpan(seen, length - seen).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                return (buffer[..(seen + end + 4)], buffer[(seen + end + 4)..length]);
            }
        }
    }
}
