using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <content>Identify: asking each new connection, learning what it tells, telling the connected what changes here.</content>
public sealed partial class Libp2pSwitch
{
    private bool _pushWanted;
    private bool _pushing;

    /// <summary>A connection's peer told who it is, limited or not; called in the middle of reading, must only start work.</summary>
    internal event Action<PeerConnection, IdentifyMessage>? ConnectionIdentified;

    private async Task IdentifyAsync(PeerConnection connection)
    {
        using var late = new CancellationTokenSource(_options.IdentifyTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, connection.ClosedToken);
        if (!await _identify.IdentifyAsync(connection, either.Token).ConfigureAwait(false) && !connection.ClosedToken.IsCancellationRequested)
        {
            // Others must not wait for ever: the peer is there, whatever it speaks.
            _observers.Identified(_store.Remember(connection.RemotePeer), connection.Limited ? 0 : _connections.EpochOf(connection.RemotePeer), changed: false);
        }
    }

    private void Learn(PeerConnection connection, IdentifyMessage message)
    {
        var (record, changed) = _store.Learn(connection.RemotePeer, message);
        _observers.Identified(record, connection.Limited ? 0 : _connections.EpochOf(connection.RemotePeer), changed);
        ConnectionIdentified?.Invoke(connection, message);
    }

    /// <summary>Tells every connected peer how this peer is now; changes while it runs lead to one more round.</summary>
    private void PushIdentify()
    {
        lock (_gate)
        {
            _pushWanted = true;
            if (_pushing)
            {
                return;
            }

            _pushing = true;
        }

        _tasks.Run(PushIdentifyAsync);
    }

    private async Task PushIdentifyAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (!_pushWanted)
                {
                    _pushing = false;
                    return;
                }

                _pushWanted = false;
            }

            var targets = _connections.All.Select(c => c.RemotePeer).Distinct()
                .Where(p => _store.Find(p)?.Protocols.Contains(IdentifyService.PushProtocol) == true)
                .Select(p => _connections.Pick(p, orLimited: true))
                .OfType<PeerConnection>();
            await Task.WhenAll(targets.Select(c => _identify.PushAsync(c, _stopped))).ConfigureAwait(false);
        }
    }
}
