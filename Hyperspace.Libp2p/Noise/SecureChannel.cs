using System.Buffers.Binary;

namespace Hyperspace.Libp2p.Noise;

/// <summary>The clear bytes of a transport, buffered: what multistream-select and the handshake run over.</summary>
internal sealed class ClearChannel(Stream transport) : IByteChannel
{
    public Stream Transport { get; } = transport;

    /// <summary>What was read but not taken; the secured channel takes it over.</summary>
    public ReceiveBuffer Received { get; } = new();

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (Received.Readable.IsEmpty && !await FillAsync(cancellationToken).ConfigureAwait(false))
        {
            return 0;
        }

        var count = Math.Min(buffer.Length, Received.Readable.Length);
        Received.Readable[..count].CopyTo(buffer.Span);
        Received.Consume(count);
        return count;
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        Transport.WriteAsync(data, cancellationToken);

    /// <summary>Runs a handshake over length-prefixed messages.</summary>
    /// <exception cref="IOException">The handshake failed or the remote went away.</exception>
    public async Task<NoiseSession> HandshakeAsync(NoiseHandshake handshake, CancellationToken cancellationToken)
    {
        while (!handshake.IsComplete)
        {
            if (handshake.NextMessage() is { } message)
            {
                var frame = new byte[message.Length + 2];
                BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)message.Length);
                message.CopyTo(frame, 2);
                await WriteAsync(frame, cancellationToken).ConfigureAwait(false);
                continue;
            }

            int length;
            while (!TryFrame(out length))
            {
                if (!await FillAsync(cancellationToken).ConfigureAwait(false))
                {
                    throw new NoiseException("The remote went away in the middle of the Noise handshake.");
                }
            }

            handshake.Receive(Received.Readable.Slice(2, length));
            Received.Consume(2 + length);
        }

        return handshake.Finish();
    }

    private bool TryFrame(out int length)
    {
        var readable = Received.Readable;
        length = readable.Length < 2 ? int.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(readable);
        return readable.Length - 2 >= length;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        var read = await Transport.ReadAsync(Received.Writable(), cancellationToken).ConfigureAwait(false);
        Received.Advance(read);
        return read > 0;
    }
}

/// <summary>
/// Noise transport frames over a stream. One reader; appending and flushing are ordered by the caller. As an
/// <see cref="IByteChannel"/> it serves the muxer's negotiation before the muxer takes over.
/// </summary>
internal sealed class SecureChannel(ClearChannel clear, NoiseSession session) : IByteChannel, IDisposable
{
    private readonly ReceiveBuffer _received = clear.Received;
    private readonly Stream _transport = clear.Transport;
    private int _leftover;

    /// <summary>Takes the next whole frame, decrypted in place; false when more bytes must be read. Valid until the next call.</summary>
    /// <exception cref="NoiseException">A frame did not authenticate.</exception>
    public bool TryReadFrame(out ReadOnlySpan<byte> plaintext)
    {
        var readable = _received.Readable;
        if (_leftover > 0)
        {
            // Already decrypted, and partly taken by the negotiation.
            plaintext = readable[.._leftover];
            _received.Consume(_leftover + CipherState.TagLength);
            _leftover = 0;
            return true;
        }

        plaintext = default;
        if (readable.Length < 2)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(readable);
        if (readable.Length < 2 + length)
        {
            return false;
        }

        var frame = readable.Slice(2, length);
        var clearText = frame[..Math.Max(0, length - CipherState.TagLength)];
        session.Receive.Decrypt([], frame, clearText);
        _received.Consume(2 + length);
        plaintext = clearText;
        return true;
    }

    /// <summary>Reads from the transport; false at its end.</summary>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        var read = await _transport.ReadAsync(_received.Writable(), cancellationToken).ConfigureAwait(false);
        _received.Advance(read);
        return read > 0;
    }

    /// <summary>Encrypts and sends what <paramref name="frames"/> collected.</summary>
    public ValueTask SendAsync(NoiseFrameWriter frames, CancellationToken cancellationToken) =>
        _transport.WriteAsync(frames.Seal(session.Send), cancellationToken);

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_leftover == 0)
        {
            if (!TryDecryptNext() && !await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }
        }

        var count = Math.Min(buffer.Length, _leftover);
        _received.Readable[..count].CopyTo(buffer.Span);
        _received.Consume(count);
        _leftover -= count;
        if (_leftover == 0)
        {
            _received.Consume(CipherState.TagLength);
        }

        return count;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        using var frames = new NoiseFrameWriter();
        frames.Append(data.Span);
        await SendAsync(frames, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        session.Send.Dispose();
        session.Receive.Dispose();
        _received.Dispose();
    }

    /// <summary>Decrypts the next frame but leaves its plaintext at the front of the buffer.</summary>
    private bool TryDecryptNext()
    {
        var readable = _received.Readable;
        if (readable.Length < 2)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(readable);
        if (readable.Length < 2 + length)
        {
            return false;
        }

        var frame = readable.Slice(2, length);
        _leftover = Math.Max(0, length - CipherState.TagLength);
        session.Receive.Decrypt([], frame, frame[.._leftover]);
        _received.Consume(_leftover == 0 ? 2 + length : 2);
        return true;
    }
}
