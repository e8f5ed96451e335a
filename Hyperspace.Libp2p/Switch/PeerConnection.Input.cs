using Hyperspace.Libp2p.Yamux;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <content>What comes in: frames are decrypted and fed to the session, whose effects reach the streams.</content>
internal sealed partial class PeerConnection : IYamuxHost
{
    private readonly List<PeerStream> _touched = [];
    private bool _deaf;

    /// <summary>Reads until the connection ends and returns why.</summary>
    private async Task<IOException> ReadAsync()
    {
        while (true)
        {
            while (_upgraded.Channel.TryReadFrame(out var plaintext))
            {
                lock (_gate)
                {
                    _session.Receive(plaintext, Now);
                    PublishTouched();
                    if (_deaf)
                    {
                        throw new YamuxException("The remote asks for answers but does not read them.");
                    }
                }
            }

            bool flush;
            lock (_gate)
            {
                flush = BeginFlush();
            }

            StartFlush(flush);
            if (!await _upgraded.Channel.FillAsync(ClosedToken).ConfigureAwait(false))
            {
                return new IOException("The remote closed the connection.");
            }
        }
    }

    private void PublishTouched()
    {
        foreach (var stream in _touched)
        {
            stream.Publish();
        }

        _touched.Clear();
    }

    // The session's side, under the lock.

    void IYamuxHost.Send(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty && _pending.Length > OutputLimit + ControlReserve)
        {
            // Not thrown from here, where streams close and the farewell is said as well: the reading loop ends the connection.
            _deaf = true;
            return;
        }

        _pending.Append(header);
        _pending.Append(payload);
    }

    void IYamuxHost.StreamOpened(YamuxStream stream) => _serve(new PeerStream(this, stream));

    void IYamuxHost.StreamAcknowledged(YamuxStream stream) => _backlog.Release();

    void IYamuxHost.DataReceived(YamuxStream stream, ReadOnlySpan<byte> data)
    {
        var target = (PeerStream)stream.Host!;
        target.Receive(data);
        if (_touched.Count == 0 || _touched[^1] != target)
        {
            _touched.Add(target);
        }
    }

    void IYamuxHost.RemoteClosed(YamuxStream stream)
    {
        var target = (PeerStream)stream.Host!;
        target.Publish();
        target.EndOfInput();
    }

    void IYamuxHost.StreamReset(YamuxStream stream)
    {
        var target = (PeerStream)stream.Host!;
        target.Publish();
        target.Fault(new IOException("The stream was reset by the remote."));
    }

    void IYamuxHost.WindowOpened(YamuxStream stream) => ((PeerStream)stream.Host!).OpenWindow();

    void IYamuxHost.RemoteGoingAway(uint reason)
    {
        _logger.LogDebug("{Peer} goes away with reason {Reason}", RemotePeer, reason);
        if (reason != (uint)YamuxGoAway.Normal)
        {
            throw new IOException($"The remote closed the connection with GoAway({reason}).");
        }
    }
}
