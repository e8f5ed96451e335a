using System.Collections.Concurrent;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay.Wire;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Libp2p.Transports;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Relay;

/// <summary>
/// Connections through a relay as a transport (libp2p/specs relay/circuit-v2). Dialing <c>/…/p2p/RELAY/p2p-circuit/p2p/TARGET</c>
/// opens a circuit; listening on <c>/…/p2p/RELAY/p2p-circuit</c> holds a reservation there.
/// </summary>
internal sealed class CircuitTransport : ITransport
{
    /// <summary>Circuits that one relay may lead here at once.</summary>
    private const int MaxCircuitsPerRelay = 64;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<PeerId, CircuitListener> _listeners = new();
    private readonly Libp2pSwitch _switch;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Takes circuits on <paramref name="peers"/>; hand it to <see cref="Libp2pSwitch.Use"/> as well.</summary>
    public CircuitTransport(Libp2pSwitch peers, TimeProvider time, ILogger logger)
    {
        _switch = peers;
        _time = time;
        _logger = logger;
        peers.Handle(RelayMessages.StopProtocol, ServeStopAsync, MaxCircuitsPerRelay, runOnLimited: false);
    }

    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => CircuitAddress.TryRead(address, out _);

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => CircuitAddress.TryRead(address, out var circuit) && (circuit.Target is null || circuit.Target == _switch.LocalPeer);

    /// <inheritdoc/>
    public async Task<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        if (!CircuitAddress.TryRead(address, out var circuit) || circuit.Target is not { } target)
        {
            throw new IOException($"'{address}' does not say whom the relay should lead to: expected /…/p2p/RELAY/p2p-circuit/p2p/PEER.");
        }

        var relay = await ReachAsync(circuit, cancellationToken).ConfigureAwait(false);
        var (stream, limit) = await RelayClient.ConnectAsync(relay, target, cancellationToken).ConfigureAwait(false);
        return new RawConnection(new CircuitStream(stream), address.WithoutPeer(), limit.IsLimited);
    }

    /// <inheritdoc/>
    public async Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        if (!CircuitAddress.TryRead(address, out var circuit))
        {
            throw new IOException($"'{address}' names no relay to listen at: expected /…/p2p/RELAY/p2p-circuit.");
        }

        var relay = await ReachAsync(circuit, cancellationToken).ConfigureAwait(false);
        var listener = new CircuitListener(relay, circuit.RelayAddress, ReserveAsync, _switch.AddressesChanged, _time, _logger);
        if (!_listeners.TryAdd(circuit.Relay, listener))
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"This peer listens at the relay {circuit.Relay} already.");
        }

        // Known before the relay is asked: a circuit may come on the heels of its answer.
        listener.Ended.UnsafeRegister(_ => _listeners.TryRemove(new KeyValuePair<PeerId, CircuitListener>(circuit.Relay, listener)), null);
        try
        {
            await listener.StartAsync(cancellationToken).ConfigureAwait(false);
            return listener;
        }
        catch
        {
            await listener.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<RelayReservation> ReserveAsync(PeerConnection relay, CancellationToken cancellationToken)
    {
        using var late = new TimedCancellation(RequestTimeout, _time, cancellationToken);
        try
        {
            return await RelayClient.ReserveAsync(relay, _switch.LocalPeer, _time, late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.TimedOut)
        {
            throw new IOException($"The relay {relay.RemotePeer} did not answer within {RequestTimeout.TotalSeconds} s.");
        }
    }

    /// <summary>A direct connection to the relay.</summary>
    private async Task<PeerConnection> ReachAsync(CircuitAddress circuit, CancellationToken cancellationToken)
    {
        if (circuit.Relay == _switch.LocalPeer || circuit.Relay == circuit.Target)
        {
            throw new IOException($"{circuit.Relay} does not relay to itself.");
        }

        if (Direct(circuit.Relay) is { } connected)
        {
            return connected;
        }

        IOException? failure = null;
        foreach (var address in circuit.RelayAddress is { } given ? [given] : _switch.Find(circuit.Relay)?.Addresses ?? [])
        {
            if (address.IsRelayed)
            {
                continue;
            }

            try
            {
                await _switch.DialAsync(address.WithPeer(circuit.Relay), cancellationToken).ConfigureAwait(false);
                if (Direct(circuit.Relay) is { } dialed)
                {
                    return dialed;
                }
            }
            catch (IOException e)
            {
                failure = e;
            }
        }

        throw new IOException($"The relay {circuit.Relay} cannot be reached{(failure is null ? "." : $": {failure.Message}")}", failure);
    }

    private PeerConnection? Direct(PeerId relay) =>
        _switch.ConnectionsOf(relay).FirstOrDefault(c => c.IsUsable && !c.RemoteAddress.IsRelayed);

    /// <summary>A relay leads someone here; its stream carries the circuit till the circuit's connection ends.</summary>
    private async Task ServeStopAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var stop = (PeerStream)stream;
        CircuitStream circuit;
        using (var late = new TimedCancellation(RequestTimeout, _time, cancellationToken))
        {
            var (status, source, limit) = await ReadStopAsync(stop, late.Token).ConfigureAwait(false);
            if (source is null || !_listeners.TryGetValue(stop.RemotePeer, out var listener))
            {
                await RelayMessages.WriteAsync(stop, RelayMessages.StopStatus(source is null ? status : RelayStatus.PermissionDenied), late.Token).ConfigureAwait(false);
                return;
            }

            circuit = new CircuitStream(stop);
            var raw = new RawConnection(circuit, Via(stop.Connection), limit.IsLimited)
            {
                Handshake = async upgrade =>
                {
                    await RelayMessages.WriteAsync(stop, RelayMessages.StopStatus(RelayStatus.Ok), upgrade).ConfigureAwait(false);
                    return circuit;
                },
            };
            if (!listener.TryTake(raw))
            {
                await RelayMessages.WriteAsync(stop, RelayMessages.StopStatus(RelayStatus.ResourceLimitExceeded), late.Token).ConfigureAwait(false);
                return;
            }
        }

        await circuit.Disposed.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<(RelayStatus Status, PeerId? Source, RelayLimit Limit)> ReadStopAsync(PeerStream stop, CancellationToken cancellationToken)
    {
        try
        {
            var request = await RelayMessages.ReadAsync(stop, StopMessage.Parser, cancellationToken).ConfigureAwait(false);
            return request is { HasType: true, Type: StopMessage.Types.Type.Status } ? (RelayStatus.UnexpectedMessage, null, default)
                : request.HasType && RelayMessages.PeerOf(request.Peer) is { } source ? (RelayStatus.Ok, source, RelayLimit.FromWire(request.Limit))
                : (RelayStatus.MalformedMessage, null, default);
        }
        catch (RelayProtocolException)
        {
            return (RelayStatus.MalformedMessage, null, default);
        }
    }

    private static Multiaddr Via(PeerConnection relay) => Multiaddr.Parse($"{relay.RemoteAddress.WithPeer(relay.RemotePeer)}/p2p-circuit");
}
