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
        await _identify.IdentifyAsync(connection, either.Token).ConfigureAwait(false);
    }

    private void Learn(PeerConnection connection, IdentifyMessage message)
    {
        var changed = false;
        var record = _store.Update(connection.RemotePeer, known =>
        {
            var dialed = connection.Inbound ? [] : new[] { connection.RemoteAddress };
            var next = known with
            {
                Addresses = [.. dialed.Concat(message.ListenAddresses.Select(a => a.WithoutPeer())).Concat(known.Addresses).Distinct().Take(_options.MaxAddressesPerPeer)],
                Protocols = message.Protocols,
                AgentVersion = message.AgentVersion ?? known.AgentVersion,
            };
            changed = !next.Protocols.SequenceEqual(known.Protocols) || !next.Addresses.SequenceEqual(known.Addresses);
            return next;
        });
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
