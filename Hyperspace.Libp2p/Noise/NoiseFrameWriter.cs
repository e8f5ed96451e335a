using System.Buffers;
using System.Buffers.Binary;

namespace Hyperspace.Libp2p.Noise;

/// <summary>
/// Collects plaintext already laid out as Noise frames (u16 big-endian length, up to 65519 bytes, room for the tag), so
/// that <see cref="Seal"/> encrypts everything in place and one socket write sends it.
/// </summary>
internal sealed class NoiseFrameWriter : IDisposable
{
    /// <summary>Most plaintext that one frame holds, in bytes.</summary>
    public const int MaxPlaintext = 65535 - CipherState.TagLength;

    private const int PrefixLength = 2;
    private const int SmallestBuffer = 1024;
    private byte[] _buffer = [];
    private int _frameStart = -1;
    private int _end;

    /// <summary>Bytes collected, framing included.</summary>
    public int Length => _end;

    /// <summary>Appends plaintext.</summary>
    public void Append(ReadOnlySpan<byte> data)
    {
        while (data.Length > 0)
        {
            var room = _frameStart < 0 ? 0 : MaxPlaintext - (_end - _frameStart - PrefixLength);
            if (room == 0)
            {
                CloseFrame();
                Reserve(PrefixLength + CipherState.TagLength + Math.Min(data.Length, MaxPlaintext));
                _frameStart = _end;
                _end += PrefixLength;
                room = MaxPlaintext;
            }

            var taken = Math.Min(room, data.Length);
            Reserve(taken + CipherState.TagLength);
            data[..taken].CopyTo(_buffer.AsSpan(_end));
            _end += taken;
            data = data[taken..];
        }
    }

    /// <summary>Encrypts everything in place and returns it; valid until <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Seal(CipherState cipher)
    {
        CloseFrame();
        for (var at = 0; at < _end;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(at));
            var frame = _buffer.AsSpan(at + PrefixLength, length);
            cipher.Encrypt([], frame[..^CipherState.TagLength], frame);
            at += PrefixLength + length;
        }

        return _buffer.AsMemory(0, _end);
    }

    /// <summary>Forgets what was collected and gives the buffer back.</summary>
    public void Clear()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _end = 0;
        _frameStart = -1;
    }

    public void Dispose() => Clear();

    private void CloseFrame()
    {
        if (_frameStart >= 0)
        {
            _end += CipherState.TagLength;
            BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(_frameStart), (ushort)(_end - _frameStart - PrefixLength));
            _frameStart = -1;
        }
    }

    private void Reserve(int count)
    {
        if (_end + count <= _buffer.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, Math.Max(_end + count, 2 * _buffer.Length)));
        _buffer.AsSpan(0, _end).CopyTo(larger);
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
