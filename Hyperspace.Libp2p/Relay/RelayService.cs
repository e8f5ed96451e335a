using Google.Protobuf;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay.Wire;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Relay;

/// <summary>
/// Serves Circuit Relay v2 (libp2p/specs relay/circuit-v2): keeps reservations and carries circuits to the peers that have one.
/// It never dials for a circuit, never carries one over another relay, and takes no reservation from behind one.
/// </summary>
public sealed class RelayService
{
    private const int MaxReservationAddresses = 16;

    /// <summary>Streams of a peer for requests, besides those that carry circuits.</summary>
    private const int RequestStreams = 8;

    private static readonly string[] Stop = [RelayMessages.StopProtocol];

    private readonly Lock _gate = new();
    private readonly Libp2pSwitch _switch;
    private readonly KeyPair _keys;
    private readonly RelayServiceOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RelayTable _table;

    /// <summary>Offers the service on <paramref name="peers"/>.</summary>
    /// <param name="peers">The switch.</param>
    /// <param name="keys">Its key, which signs the vouchers.</param>
    /// <param name="options">The limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public RelayService(Libp2pSwitch peers, KeyPair keys, RelayServiceOptions? options = null, TimeProvider? time = null, ILogger<RelayService>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _switch = peers;
        _keys = keys;
        _options = options ?? new RelayServiceOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.BufferSize);
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<RelayService>.Instance;
        _table = new RelayTable(_options);
        peers.Handle(RelayMessages.HopProtocol, ServeAsync, _options.MaxCircuitsPerPeer + RequestStreams, runOnLimited: false);
    }

    /// <summary>Reservations that hold.</summary>
    public int ReservationCount
    {
        get
        {
            lock (_gate)
            {
                return _table.CountReservations(_time.GetUtcNow());
            }
        }
    }

    /// <summary>Circuits that are open.</summary>
    public int CircuitCount
    {
        get
        {
            lock (_gate)
            {
                return _table.CircuitCount;
            }
        }
    }

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var hop = (PeerStream)stream;
        HopMessage request;
        using (var late = new TimedCancellation(_options.HandshakeTimeout, _time, cancellationToken))
        {
            try
            {
                request = await RelayMessages.ReadAsync(hop, HopMessage.Parser, late.Token).ConfigureAwait(false);
            }
            catch (RelayProtocolException)
            {
                await RelayMessages.WriteAsync(hop, RelayMessages.HopStatus(RelayStatus.MalformedMessage), late.Token).ConfigureAwait(false);
                return;
            }
        }

        // A group there always is, but for a connection that came over a relay.
        var ip = IpGroup.Of(hop.Connection.RemoteAddress)?.ToString();
        switch (request)
        {
            case { HasType: false }:
                await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.MalformedMessage), cancellationToken).ConfigureAwait(false);
                break;
            case { Type: HopMessage.Types.Type.Status }:
                await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.UnexpectedMessage), cancellationToken).ConfigureAwait(false);
                break;
            case var _ when ip is null:
                await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.PermissionDenied), cancellationToken).ConfigureAwait(false);
                break;
            case { Type: HopMessage.Types.Type.Reserve }:
                await AnswerAsync(hop, Reserve(hop.Connection, ip), cancellationToken).ConfigureAwait(false);
                break;
            default:
                await ConnectAsync(hop, request, ip, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    private HopMessage Reserve(PeerConnection connection, string ip)
    {
        var peer = connection.RemotePeer;
        RelayStatus status;
        DateTimeOffset expires;
        bool watched;
        lock (_gate)
        {
            watched = _table.HasReservation(peer, _time.GetUtcNow());
            status = _table.Reserve(peer, ip, _time.GetUtcNow(), out expires);
        }

        if (status != RelayStatus.Ok)
        {
            _logger.LogDebug("{Peer} gets no reservation: {Status}", peer, status);
            return RelayMessages.HopStatus(status);
        }

        if (!watched)
        {
            Watch(connection);
        }

        var answer = RelayMessages.HopStatus(RelayStatus.Ok, _options.CircuitLimit);
        answer.Reservation = new Reservation
        {
            Expire = (ulong)expires.ToUnixTimeSeconds(),
            Voucher = ByteString.CopyFrom(new ReservationVoucher(_switch.LocalPeer, peer, expires).Seal(_keys)),
        };
        answer.Reservation.Addrs.AddRange(_switch.ListenAddresses
            .Where(a => !a.IsRelayed)
            .Take(MaxReservationAddresses)
            .Select(a => ByteString.CopyFrom(a.WithPeer(_switch.LocalPeer).Bytes.Span)));
        return answer;
    }

    /// <summary>Ends the peer's reservation when its last direct connection ends.</summary>
    private void Watch(PeerConnection connection) => connection.ClosedToken.UnsafeRegister(
        _ =>
        {
            if (DirectConnection(connection.RemotePeer) is { } other)
            {
                Watch(other);
                return;
            }

            lock (_gate)
            {
                _table.PeerGone(connection.RemotePeer);
            }
        },
        null);

    private async Task ConnectAsync(PeerStream hop, HopMessage request, string ip, CancellationToken cancellationToken)
    {
        if (RelayMessages.PeerOf(request.Peer) is not { } target)
        {
            await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.MalformedMessage), cancellationToken).ConfigureAwait(false);
            return;
        }

        RelayStatus status;
        Circuit? circuit;
        lock (_gate)
        {
            status = _table.Begin(hop.RemotePeer, target, ip, _time.GetUtcNow(), out circuit);
        }

        if (circuit is null)
        {
            _logger.LogDebug("{Source} gets no circuit to {Target}: {Status}", hop.RemotePeer, target, status);
            await AnswerAsync(hop, RelayMessages.HopStatus(status), cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await CarryAsync(hop, circuit, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _table.End(circuit);
            }
        }
    }

    private async Task CarryAsync(PeerStream hop, Circuit circuit, CancellationToken cancellationToken)
    {
        await using var stop = await OpenStopAsync(circuit, cancellationToken).ConfigureAwait(false);
        if (stop is null)
        {
            await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.ConnectionFailed), cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await AnswerAsync(hop, RelayMessages.HopStatus(RelayStatus.Ok, _options.CircuitLimit), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            stop.Reset();
            throw;
        }

        var end = await CircuitPipe.RunAsync(hop, stop, _options.CircuitLimit, _options.BufferSize, _time, cancellationToken).ConfigureAwait(false);
        _logger.LogDebug("The circuit from {Source} to {Target} ended: {End}", circuit.Source, circuit.Target, end);
    }

    /// <summary>Asks the target over a connection that is there; null when there is none or the target does not want to.</summary>
    private async Task<PeerStream?> OpenStopAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        if (DirectConnection(circuit.Target) is not { } connection)
        {
            return null;
        }

        using var late = new TimedCancellation(_options.HandshakeTimeout, _time, cancellationToken, connection.ClosedToken);
        PeerStream? stop = null;
        try
        {
            stop = await connection.OpenAsync(Stop, late.Token).ConfigureAwait(false);
            var request = new StopMessage
            {
                Type = StopMessage.Types.Type.Connect,
                Peer = new Peer { Id = ByteString.CopyFrom(circuit.Source.Bytes.Span) },
                Limit = _options.CircuitLimit.ToWire(),
            };
            await RelayMessages.WriteAsync(stop, request, late.Token).ConfigureAwait(false);
            var answer = await RelayMessages.ReadAsync(stop, StopMessage.Parser, late.Token).ConfigureAwait(false);
            if (answer is { Type: StopMessage.Types.Type.Status, Status: (uint)RelayStatus.Ok })
            {
                return stop;
            }

            _logger.LogDebug("{Target} takes no circuit: {Status}", circuit.Target, (RelayStatus)answer.Status);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _logger.LogDebug("{Target} takes no circuit: {Reason}", circuit.Target, e.Message);
        }

        if (stop is not null)
        {
            stop.Reset();
            await stop.DisposeAsync().ConfigureAwait(false);
        }

        return null;
    }

    private PeerConnection? DirectConnection(PeerId peer) =>
        _switch.ConnectionsOf(peer).FirstOrDefault(c => c.IsUsable && !c.RemoteAddress.IsRelayed);

    private async Task AnswerAsync(PeerStream hop, HopMessage answer, CancellationToken cancellationToken)
    {
        using var late = new TimedCancellation(_options.HandshakeTimeout, _time, cancellationToken);
        await RelayMessages.WriteAsync(hop, answer, late.Token).ConfigureAwait(false);
    }
}
