using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Libp2p.Switch;

/// <content>Dialing.</content>
public sealed partial class Libp2pSwitch
{
    private readonly Dictionary<string, Task<PeerConnection>> _dials = [];

    /// <inheritdoc/>
    public async Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var expected = address.PeerId;
        var transport = address.WithoutPeer();
        if (expected == LocalPeer)
        {
            throw new IOException($"{address} is this peer itself.");
        }

        // A limited connection is no reason not to dial a direct one.
        if ((expected is null ? _connections.DialedTo(transport) : _connections.Pick(expected, orLimited: transport.IsRelayed)) is { } existing)
        {
            return existing.RemotePeer;
        }

        var connection = await ShareDialAsync($"{transport} {expected}", () => ConnectAsync(transport, expected), cancellationToken).ConfigureAwait(false);
        return connection.RemotePeer;
    }

    /// <summary>A new connection to a peer over the addresses that are known of it.</summary>
    private Task<PeerConnection> ReachAsync(PeerId peer, CancellationToken cancellationToken) =>
        ShareDialAsync(peer.ToString(), () => ConnectAsync(peer), cancellationToken);

    /// <summary>Dials the addresses that are known of a peer, one after the other; no relayed ones when a relayed connection is there already.</summary>
    private async Task<PeerConnection> ConnectAsync(PeerId peer)
    {
        if (_connections.Pick(peer) is { } meanwhile)
        {
            return meanwhile;
        }

        var relayed = _connections.Pick(peer, orLimited: true);
        List<string> failures = [];
        foreach (var address in _store.Find(peer)?.Addresses ?? [])
        {
            if (TransportFor(address) is null || (relayed is not null && address.IsRelayed))
            {
                continue;
            }

            try
            {
                return await ConnectAsync(address, peer).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                failures.Add(e.Message);
            }
        }

        throw new IOException(failures.Count > 0 ? $"{peer} cannot be reached: {string.Join("; ", failures)}"
            : relayed is null ? $"No address of {peer} is known; dial one first."
            : $"Only a relay leads to {peer}.");
    }

    private async Task<PeerConnection> ConnectAsync(Multiaddr address, PeerId? expected)
    {
        var transport = TransportFor(address)
            ?? throw new IOException($"'{address}' cannot be dialed: only /ip4, /ip6 and /dns addresses with /tcp can.");
        using var limit = new TimedCancellation(_options.ConnectTimeout, _options.TimeProvider, _stopped);
        RawConnection raw;
        try
        {
            raw = await transport.DialAsync(expected is null ? address : address.WithPeer(expected), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopped.IsCancellationRequested)
        {
            throw new IOException($"No connection to {address} within {_options.ConnectTimeout.TotalSeconds} s.");
        }

        var upgraded = await _upgrader.UpgradeAsync(raw, inbound: false, expected, _stopped).ConfigureAwait(false);
        _store.AddAddresses(upgraded.RemotePeer, [address]);
        return Install(upgraded);
    }

    private ITransport? TransportFor(Multiaddr address) => Array.Find(_transports, t => t.CanDial(address));

    /// <summary>Callers that want the same dial share it; one that gives up does not end it for the others.</summary>
    private async Task<PeerConnection> ShareDialAsync(string key, Func<Task<PeerConnection>> dial, CancellationToken cancellationToken)
    {
        Task<PeerConnection>? shared;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            if (!_dials.TryGetValue(key, out shared))
            {
                shared = Task.Run(dial, CancellationToken.None);
                _dials.Add(key, shared);
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
            _dials.Remove(key);
        }
    }
}
