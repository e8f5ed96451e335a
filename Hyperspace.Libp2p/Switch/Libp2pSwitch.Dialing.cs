using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Libp2p.Switch;

/// <content>Dialing: what is connected is used again, and who wants the same dial shares it.</content>
public sealed partial class Libp2pSwitch
{
    private readonly Dictionary<string, Task<PeerConnection>> _dials = [];

    /// <inheritdoc/>
    public async Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var expected = address.PeerId;
        var target = address.WithoutPeer();
        if (expected == LocalPeer)
        {
            throw new IOException($"{address} is this peer itself.");
        }

        // A limited connection is no reason not to dial a direct one.
        if ((expected is null ? _connections.DialedTo(target) : _connections.Pick(expected, orLimited: target.IsRelayed)) is { } existing)
        {
            return existing.RemotePeer;
        }

        var connection = await ShareDialAsync($"{target} {expected}", () => ConnectAsync(target, expected), cancellationToken).ConfigureAwait(false);
        return connection.RemotePeer;
    }

    /// <summary>A connection to a peer over the addresses that are known of it; no relayed ones when a relayed connection is there already.</summary>
    private Task<PeerConnection> ReachAsync(PeerId peer, CancellationToken cancellationToken) =>
        ShareDialAsync(peer.ToString(), () => ConnectAsync(peer), cancellationToken);

    private async Task<PeerConnection> ConnectAsync(PeerId peer)
    {
        if (_connections.Pick(peer) is { } meanwhile)
        {
            return meanwhile;
        }

        var relayed = _connections.Pick(peer, orLimited: true) is not null;
        var addresses = (_store.Find(peer)?.Addresses ?? []).Where(a => !relayed || !a.IsRelayed).ToArray();
        if (relayed && addresses.Length == 0)
        {
            throw new IOException($"Only a relay leads to {peer}.");
        }

        try
        {
            return Enter(await _dialer.DialAnyAsync(peer, addresses).ConfigureAwait(false));
        }
        catch (IOException)
        {
            // The peer may have dialed at the same time.
            if (_connections.Pick(peer) is { } theirs)
            {
                return theirs;
            }

            throw;
        }
    }

    private async Task<PeerConnection> ConnectAsync(Multiaddr address, PeerId? expected) =>
        Enter(await _dialer.DialAsync(address, expected, _stopped).ConfigureAwait(false));

    private PeerConnection Enter(Upgraded dialed)
    {
        _store.Confirm(dialed.RemotePeer, dialed.RemoteAddress);
        return Install(dialed);
    }

    private ITransport? TransportFor(Multiaddr address) => Array.Find(_transports, t => t.CanDial(address));

    /// <summary>Callers that want the same dial share it; one that gives up does not end it for the others.</summary>
    private async Task<PeerConnection> ShareDialAsync(string key, Func<Task<PeerConnection>> dial, CancellationToken cancellationToken)
    {
        Task<PeerConnection>? shared;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);

            // One that has ended says how things were: what it brought may be gone by now.
            if (!_dials.TryGetValue(key, out shared) || shared.IsCompleted)
            {
                shared = Task.Run(dial, CancellationToken.None);
                _dials[key] = shared;
                _tasks.Run(() => ForgetDialAsync(key, shared));
            }
        }

        try
        {
            return await shared.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("The switch is shutting down.", e);
        }
    }

    private async Task ForgetDialAsync(string key, Task dial)
    {
        await dial.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_dials.TryGetValue(key, out var current) && current == dial)
            {
                _dials.Remove(key);
            }
        }
    }
}
