using Google.Protobuf;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>
/// Reads messages that are prefixed with their length as a uvarint from a stream. The length is judged before
/// anything is allocated, and memory grows only as bytes really arrive.
/// </summary>
/// <param name="stream">Where the bytes come from; this is its only reader.</param>
/// <param name="maxMessageBytes">The longest message that is accepted.</param>
internal sealed class DelimitedReader(IPeerStream stream, int maxMessageBytes)
{
    private const int FirstChunk = 64 * 1024;
    private readonly byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The next message, or null when the remote closed its side between messages.</summary>
    /// <exception cref="InvalidDataException">The prefix is no uvarint or announces more than the limit; the stream cannot be read on.</exception>
    /// <exception cref="IOException">The stream was reset, or ended inside a message (<see cref="EndOfStreamException"/>).</exception>
    public async ValueTask<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        if (await ReadLengthAsync(cancellationToken).ConfigureAwait(false) is not { } length)
        {
            return null;
        }

        var message = new byte[Math.Min(length, FirstChunk)];
        var filled = Math.Min(_end - _start, message.Length);
        _buffer.AsSpan(_start, filled).CopyTo(message);
        _start += filled;
        while (filled < length)
        {
            if (filled == message.Length)
            {
                Array.Resize(ref message, (int)Math.Min(length, message.Length * 2L));
            }

            var read = await stream.ReadAsync(message.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            filled += read > 0 ? read : throw new EndOfStreamException($"The stream ended after {filled} of a message's {length} bytes.");
        }

        return message;
    }

    private async ValueTask<int?> ReadLengthAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (Varint.TryRead(_buffer.AsSpan(_start, _end - _start), out var length, out var consumed))
            {
                case System.Buffers.OperationStatus.Done when length > (ulong)maxMessageBytes:
                    throw new MessageTooLargeException(length, maxMessageBytes);
                case System.Buffers.OperationStatus.Done:
                    _start += consumed;
                    return (int)length;
                case System.Buffers.OperationStatus.InvalidData:
                    throw new InvalidDataException("A message must start with its length as a minimal uvarint.");
            }

            // At most 8 bytes of an unfinished prefix are left: move them to the front and read on.
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return _end == 0 ? null : throw new EndOfStreamException("The stream ended inside a message's length.");
            }

            _end += read;
        }
    }
}

/// <summary>A message's length prefix announces more than the reader accepts.</summary>
internal sealed class MessageTooLargeException(ulong announced, int limit)
    : IOException($"A message of {announced} bytes was announced; at most {limit} are accepted.");

/// <summary>Writes messages that are prefixed with their length as a uvarint.</summary>
internal static class DelimitedMessages
{
    /// <summary>The message with its prefix, in one array, so that it leaves in one write.</summary>
    public static byte[] ToDelimitedBytes(this IMessage message)
    {
        var size = message.CalculateSize();
        var prefix = Varint.SizeOf((ulong)size);
        var bytes = new byte[prefix + size];
        Varint.Write(bytes, (ulong)size);
        message.WriteTo(bytes.AsSpan(prefix));
        return bytes;
    }
}
