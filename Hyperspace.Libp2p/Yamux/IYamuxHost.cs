namespace Hyperspace.Libp2p.Yamux;

/// <summary>Takes a <see cref="YamuxSession"/>'s effects, in order, while a call into the session runs. Must not call back into it.</summary>
internal interface IYamuxHost
{
    /// <summary>Sends a frame.</summary>
    void Send(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload);

    /// <summary>The remote opened a stream.</summary>
    void StreamOpened(YamuxStream stream);

    /// <summary>The remote acknowledged a stream that this side opened, or the stream ended without.</summary>
    void StreamAcknowledged(YamuxStream stream);

    /// <summary>Bytes arrived; the span is valid during the call only.</summary>
    void DataReceived(YamuxStream stream, ReadOnlySpan<byte> data);

    /// <summary>The remote sent FIN: no more bytes will come.</summary>
    void RemoteClosed(YamuxStream stream);

    /// <summary>The stream was reset, by the remote or because it lingered too long.</summary>
    void StreamReset(YamuxStream stream);

    /// <summary>The remote opened its window: writing may go on.</summary>
    void WindowOpened(YamuxStream stream);

    /// <summary>The remote is going away for that reason.</summary>
    void RemoteGoingAway(uint reason);
}
