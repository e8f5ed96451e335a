using System.Threading.Channels;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Libp2p.Transports;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Relay;

/// <summary>Listens at a relay: holds the reservation, refreshed before it runs out, and hands on the circuits. It ends by itself with the connection to the relay or the reservation.</summary>
internal sealed class CircuitListener : ITransportListener
{
    private const int MaxWaiting = 16;
    private const int MaxAddresses = 8;

    private readonly Channel<RawConnection> _circuits = Channel.CreateBounded<RawConnection>(MaxWaiting);
    private readonly PeerConnection _relay;
    private readonly Multiaddr? _dialed;
    private readonly Func<PeerConnection, CancellationToken, Task<RelayReservation>> _reserve;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _end;
    private Task _holding = Task.CompletedTask;
    private int _disposed;

    /// <param name="relay">The connection to the relay.</param>
    /// <param name="dialed">Where the relay was dialed, if known.</param>
    /// <param name="reserve">Asks the relay.</param>
    /// <param name="changed">Told when the addresses changed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public CircuitListener(PeerConnection relay, Multiaddr? dialed, Func<PeerConnection, CancellationToken, Task<RelayReservation>> reserve, Action changed, TimeProvider time, ILogger logger)
    {
        _relay = relay;
        _dialed = dialed;
        _reserve = reserve;
        _changed = changed;
        _time = time;
        _logger = logger;
        _end = CancellationTokenSource.CreateLinkedTokenSource(relay.ClosedToken);
        Ended = _end.Token;
    }

    /// <summary>Cancelled when no circuits come here any more.</summary>
    public CancellationToken Ended { get; }

    /// <summary>What the relay promised last.</summary>
    public RelayReservation? Reservation { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<Multiaddr> Addresses { get; private set; } = [];

    /// <summary>Makes the reservation and holds it from then on.</summary>
    /// <exception cref="IOException">The relay gives none.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Take(await _reserve(_relay, cancellationToken).ConfigureAwait(false));
        _holding = HoldAsync();
    }

    /// <summary>Puts a circuit in line; false when the line is full or the listener has ended.</summary>
    public bool TryTake(RawConnection circuit) => _circuits.Writer.TryWrite(circuit);

    /// <inheritdoc/>
    public async ValueTask<RawConnection> AcceptAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _circuits.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(CircuitListener), $"The reservation at {_relay.RemotePeer} has ended.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _end.CancelAsync().ConfigureAwait(false);
        await _holding.ConfigureAwait(false);
        Close();
        _end.Dispose();
    }

    private async Task HoldAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(RelayReservation.RefreshAfter(_time.GetUtcNow(), Reservation!.Expires), _time, Ended).ConfigureAwait(false);
                await RefreshAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            _logger.LogDebug("The reservation at {Relay} has ended: {Reason}", _relay.RemotePeer, e.Message);
        }

        Close();
        await _end.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>A refresh that fails is tried again as long as the old reservation holds.</summary>
    private async Task RefreshAsync()
    {
        try
        {
            Take(await _reserve(_relay, Ended).ConfigureAwait(false));
        }
        catch (IOException e) when (Reservation!.Expires > _time.GetUtcNow())
        {
            _logger.LogDebug("The reservation at {Relay} was not refreshed: {Reason}", _relay.RemotePeer, e.Message);
        }
    }

    private void Take(RelayReservation reservation)
    {
        Reservation = reservation;
        var dialed = _dialed is null ? [] : new[] { _dialed };
        Multiaddr[] addresses = [.. dialed.Concat(reservation.Addresses).Distinct().Take(MaxAddresses).Select(a => Multiaddr.Parse($"{a}/p2p-circuit"))];
        if (!addresses.SequenceEqual(Addresses))
        {
            Addresses = addresses;
            _changed();
        }
    }

    /// <summary>No circuits come any more; those that nobody took are closed.</summary>
    private void Close()
    {
        _circuits.Writer.TryComplete();
        while (_circuits.Reader.TryRead(out var circuit))
        {
            circuit.Stream.Dispose();
        }
    }
}
