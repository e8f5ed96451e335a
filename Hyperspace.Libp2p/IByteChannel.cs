namespace Hyperspace.Libp2p;

/// <summary>Bytes in, bytes out: what negotiation runs over, be it a socket, a secured socket or a stream.</summary>
internal interface IByteChannel
{
    /// <summary>Reads some bytes; 0 at the end.</summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);

    /// <summary>Writes and flushes all bytes.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
}
