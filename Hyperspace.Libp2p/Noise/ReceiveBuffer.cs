using System.Buffers;

namespace Hyperspace.Libp2p.Noise;

/// <summary>
/// The bytes a socket brought that nobody took yet. Small while the connection idles, larger (to 256 KiB) while reads
/// fill it, small again afterwards.
/// </summary>
internal sealed class ReceiveBuffer : IDisposable
{
    private const int Smallest = 4 * 1024;
    private const int Largest = 256 * 1024;
    private const int QuietReads = 32;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Smallest);
    private int _start;
    private int _end;
    private int _quiet;
    private bool _filled;

    /// <summary>The bytes to be taken.</summary>
    public Span<byte> Readable => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Room for the next read; never empty.</summary>
    public Memory<byte> Writable()
    {
        var unread = _end - _start;
        var size = _buffer.Length;
        if (unread == size || (_filled && size < Largest))
        {
            Resize(Math.Min(Math.Max(2 * size, unread + Smallest), 2 * Largest));
        }
        else if (unread == 0 && _quiet >= QuietReads && size > 2 * Smallest)
        {
            Resize(Smallest);
        }
        else if (_start > 0 && (unread == 0 || size - _end < size / 4))
        {
            _buffer.AsSpan(_start, unread).CopyTo(_buffer);
            _start = 0;
            _end = unread;
        }

        return _buffer.AsMemory(_end);
    }

    /// <summary>Notes that <paramref name="count"/> bytes were written into <see cref="Writable"/>.</summary>
    public void Advance(int count)
    {
        _end += count;
        _filled = _end == _buffer.Length;
        _quiet = count < _buffer.Length / 16 ? _quiet + 1 : 0;
    }

    /// <summary>Takes <paramref name="count"/> bytes from the front.</summary>
    public void Consume(int count) => _start += count;

    public void Dispose()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _start = _end = 0;
        }
    }

    private void Resize(int size)
    {
        var other = ArrayPool<byte>.Shared.Rent(size);
        var unread = _end - _start;
        Readable.CopyTo(other);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = other;
        _start = 0;
        _end = unread;
        _quiet = 0;
        _filled = false;
    }
}
