using System.Buffers;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p;

/// <summary>The remote announced a message that is too long, or broke off in the middle of one.</summary>
public sealed class MessageFramingException(string message) : ProtocolViolationException(message);

/// <summary>uvarint-prefixed messages, as most libp2p protocols use them, over a stream.</summary>
public static class LengthPrefixed
{
    /// <summary>Reads one message; null when the remote closed its side between messages.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="maxLength">Longest message that is accepted, in bytes; judged before anything is allocated.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="MessageFramingException">Too long, or cut off.</exception>
    public static async ValueTask<byte[]?> ReadMessageAsync(this IPeerStream stream, int maxLength, CancellationToken cancellationToken = default)
    {
        var prefix = new byte[Varint.MaxLength];
        ulong length = 0;
        for (var i = 0; ; i++)
        {
            if (await stream.ReadAsync(prefix.AsMemory(i, 1), cancellationToken).ConfigureAwait(false) == 0)
            {
                return i == 0 ? null : throw CutOff();
            }

            var status = Varint.TryRead(prefix.AsSpan(0, i + 1), out length, out _);
            if (status == OperationStatus.Done)
            {
                break;
            }

            if (status == OperationStatus.InvalidData)
            {
                throw new MessageFramingException("The remote sent a message whose length is no varint.");
            }
        }

        if (length > (ulong)maxLength)
        {
            throw new MessageFramingException($"The remote announced a message of {length} bytes; at most {maxLength} are accepted.");
        }

        var message = new byte[length];
        for (var read = 0; read < message.Length;)
        {
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

    private static MessageFramingException CutOff() => new("The remote broke off in the middle of a message.");
}
