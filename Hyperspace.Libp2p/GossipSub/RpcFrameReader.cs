using System.Buffers;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>Cuts a stream into uvarint-prefixed frames. The buffer grows with the bytes that came, never by what a prefix promises.</summary>
internal sealed class RpcFrameReader(IPeerStream stream, int maxFrame) : IDisposable
{
    private const int SmallBuffer = 64 << 10;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
    private int _start;
    private int _end;

    /// <summary>The next frame, valid until the next call; null at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The prefix is no varint or over the limit, or the stream ended inside a frame.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryCut(out var frame))
            {
                return frame;
            }

            MakeRoom();
            var count = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (count == 0)
            {
                return _start == _end ? null : throw new InvalidDataException("The stream ended inside an RPC.");
            }

            _end += count;
        }
    }

    /// <summary>A further frame that has come already, valid as long as the last.</summary>
    /// <exception cref="InvalidDataException">The prefix is no varint or over the limit.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> frame) => TryCut(out frame);

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private bool TryCut(out ReadOnlyMemory<byte> frame)
    {
        frame = default;
        switch (Varint.TryRead(_buffer.AsSpan(_start, _end - _start), out var length, out var prefix))
        {
            case OperationStatus.InvalidData:
                throw new InvalidDataException("An RPC's length prefix is not a varint.");
            case OperationStatus.NeedMoreData:
                return false;
        }

        if (length > (ulong)maxFrame)
        {
            throw new InvalidDataException($"An RPC of {length} bytes is over the limit of {maxFrame}.");
        }

        if ((ulong)(_end - _start - prefix) < length)
        {
            return false;
        }

        frame = _buffer.AsMemory(_start + prefix, (int)length);
        _start += prefix + (int)length;
        return true;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            (_start, _end) = (0, 0);
            if (_buffer.Length > 2 * SmallBuffer)
            {
                Replace(SmallBuffer);
            }
        }
        else if (_end == _buffer.Length)
        {
            // Half full of one frame: double. Otherwise moving it to the front is room enough.
            Replace(_end - _start > _buffer.Length / 2 ? _buffer.Length * 2 : _buffer.Length);
        }
    }

    private void Replace(int size)
    {
        var next = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(_start, _end - _start).CopyTo(next);
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = (next, 0, _end - _start);
    }
}
