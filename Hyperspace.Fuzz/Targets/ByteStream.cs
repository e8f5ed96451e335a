using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Fuzz;

/// <summary>A peer's stream that brings an input in pieces of a given size and takes what is written; nothing in it ever waits.</summary>
internal sealed class ByteStream(byte[] input, int piece) : DuplexStream, IPeerStream
{
    private static readonly PeerId Remote = KeyPair.FromSeed(new byte[32]).PeerId;
    private int _position;

    public PeerId RemotePeer => Remote;

    public string Protocol => "/fuzz/1.0.0";

    /// <summary>Bytes not read yet.</summary>
    public int Left => input.Length - _position;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = Math.Min(Math.Min(piece, buffer.Length), Left);
        input.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return new(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => default;

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => default;

    public void Reset()
    {
    }
}
