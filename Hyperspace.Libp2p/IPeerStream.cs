namespace Hyperspace.Libp2p;

/// <summary>A negotiated, bidirectional, half-closable stream to a peer. One reader and one writer at a time.</summary>
public interface IPeerStream : IAsyncDisposable
{
    /// <summary>Who is at the other end, proven by the secure channel.</summary>
    PeerId RemotePeer { get; }

    /// <summary>The protocol that multistream-select settled on.</summary>
    string Protocol { get; }

    /// <summary>Reads some bytes; 0 when the remote closed its side.</summary>
    /// <exception cref="IOException">The stream was reset or the connection is gone.</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>Writes all bytes, waiting for the remote's window when it is full (back-pressure).</summary>
    /// <exception cref="IOException">The stream was reset or the connection is gone.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default);

    /// <summary>Closes this side for writing (FIN); reading goes on.</summary>
    ValueTask CloseWriteAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends both directions at once (RST); idempotent.</summary>
    void Reset();
}
