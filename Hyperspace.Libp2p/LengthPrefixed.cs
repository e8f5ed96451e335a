using System.Buffers;
using Google.Protobuf;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p;

/// <summary>A message's length prefix is no uvarint, or too large (<see cref="MessageTooLargeException"/>); the stream cannot be read on.</summary>
public class MessageFramingException(string message) : ProtocolViolationException(message);

/// <summary>The remote announced a message that is longer than the reader accepts.</summary>
public sealed class MessageTooLargeException(ulong announced, int limit)
    : MessageFramingException($"A message of {announced} bytes was announced; at most {limit} are accepted.");

/// <summary>uvarint-prefixed messages, as most libp2p protocols use them, over a stream.</summary>
public static class LengthPrefixed
{
    private const int FirstChunk = 64 * 1024;

    /// <summary>
    /// Reads one message; null when the remote closed its side between messages. The length is judged before anything
    /// is allocated, and memory grows only as bytes really arrive.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="maxLength">Longest message that is accepted, in bytes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="MessageFramingException">No length, or too large a one.</exception>
    /// <exception cref="IOException">The stream broke, or ended inside a message (<see cref="EndOfStreamException"/>).</exception>
    public static async ValueTask<byte[]?> ReadMessageAsync(this IPeerStream stream, int maxLength, CancellationToken cancellationToken = default)
    {
        if (await ReadLengthAsync(stream, cancellationToken).ConfigureAwait(false) is not { } announced)
        {
            return null;
        }

        if (announced > (ulong)maxLength)
        {
            throw new MessageTooLargeException(announced, maxLength);
        }

        var length = (int)announced;
        var message = new byte[Math.Min(length, FirstChunk)];
        for (var read = 0; read < length;)
        {
            if (read == message.Length)
            {
                Array.Resize(ref message, (int)Math.Min(length, message.Length * 2L));
            }

            var count = await stream.ReadAsync(message.AsMemory(read), cancellationToken).ConfigureAwait(false);
            read += count > 0 ? count : throw CutOff();
        }

        return message;
    }

    /// <summary>Writes one message.</summary>
    public static async ValueTask WriteMessageAsync(this IPeerStream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        var prefix = Varint.SizeOf((ulong)message.Length);
        var frame = ArrayPool<byte>.Shared.Rent(prefix + message.Length);
        try
        {
            Varint.Write(frame, (ulong)message.Length);
            message.Span.CopyTo(frame.AsSpan(prefix));
            await stream.WriteAsync(frame.AsMemory(0, prefix + message.Length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <summary>A protobuf message with its prefix, in one array, so that it leaves in one write.</summary>
    public static byte[] ToLengthPrefixed(this IMessage message)
    {
        var size = message.CalculateSize();
        var prefix = Varint.SizeOf((ulong)size);
        var bytes = new byte[prefix + size];
        Varint.Write(bytes, (ulong)size);
        message.WriteTo(bytes.AsSpan(prefix));
        return bytes;
    }

    private static async ValueTask<ulong?> ReadLengthAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        // Byte by byte, so as not to take what follows the message; the bytes have long arrived, these reads are cheap.
        var prefix = new byte[Varint.MaxLength];
        for (var i = 0; ; i++)
        {
            if (await stream.ReadAsync(prefix.AsMemory(i, 1), cancellationToken).ConfigureAwait(false) == 0)
            {
                return i == 0 ? null : throw CutOff();
            }

            switch (Varint.TryRead(prefix.AsSpan(0, i + 1), out var length, out _))
            {
                case OperationStatus.Done:
                    return length;
                case OperationStatus.InvalidData:
                    throw new MessageFramingException("A message must start with its length as a minimal uvarint.");
            }
        }
    }

    private static EndOfStreamException CutOff() => new("The stream ended in the middle of a message.");
}
