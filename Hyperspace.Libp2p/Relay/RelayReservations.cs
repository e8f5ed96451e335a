using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Libp2p.Transports;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Relay;

/// <summary>Keeps a reservation at each of some relays for as long as they are wanted: a relay that is gone or refuses is asked again, ever less often.</summary>
public sealed class RelayReservations : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Libp2pSwitch _switch;
    private readonly IReadOnlyList<Multiaddr> _relays;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private CancellationTokenSource? _wanted;
    private Task _keeping = Task.CompletedTask;

    /// <summary>Sets it up; nothing is asked before <see cref="Want"/>.</summary>
    /// <param name="peers">The switch; it needs the relay transport (<see cref="RelayExtensions.UseRelays"/>).</param>
    /// <param name="relays">Where the relays are, each with its <c>/p2p</c>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="ArgumentException">An address does not say which peer the relay is.</exception>
    public RelayReservations(Libp2pSwitch peers, IReadOnlyList<Multiaddr> relays, TimeProvider? time = null, ILogger<RelayReservations>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(relays);
        if (relays.FirstOrDefault(r => r.PeerId is null) is { } nameless)
        {
            throw new ArgumentException($"'{nameless}' does not say which peer the relay is: add its /p2p/….", nameof(relays));
        }

        _switch = peers;
        _relays = relays;
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<RelayReservations>.Instance;
    }

    /// <summary>Says whether reservations are wanted from now on; a peer that others reach directly needs none.</summary>
    public void Want(bool wanted)
    {
        lock (_gate)
        {
            if (wanted && _wanted is null)
            {
                var stop = _wanted = new CancellationTokenSource();
                var before = _keeping;
                _keeping = Task.Run(async () =>
                {
                    await before.ConfigureAwait(false);
                    await Task.WhenAll(_relays.Select(r => KeepAsync(r, stop.Token))).ConfigureAwait(false);
                });
            }
            else if (!wanted)
            {
                _wanted?.Cancel();
                _wanted = null;
            }
        }
    }

    /// <summary>Gives the reservations up.</summary>
    public async ValueTask DisposeAsync()
    {
        Want(false);
        await _keeping.ConfigureAwait(false);
    }

    private async Task KeepAsync(Multiaddr relay, CancellationToken stop)
    {
        var pause = FirstPause;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var listener = await _switch.ListenAsync(Multiaddr.Parse($"{relay}/p2p-circuit"), stop).ConfigureAwait(false);
                await using (listener.ConfigureAwait(false))
                {
                    _logger.LogInformation("Others can reach this peer through the relay {Relay}", relay);
                    pause = FirstPause;
                    await UntilEndAsync((CircuitListener)listener, stop).ConfigureAwait(false);
                }
            }
            catch (IOException e)
            {
                _logger.LogInformation("No reservation at the relay {Relay}: {Reason}", relay, e.Message);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }

            await Task.Delay(pause, _time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static async Task UntilEndAsync(CircuitListener listener, CancellationToken stop)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(listener.Ended, stop);
        await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
