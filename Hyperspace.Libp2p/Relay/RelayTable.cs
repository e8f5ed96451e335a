namespace Hyperspace.Libp2p.Relay;

/// <summary>A circuit that a relay carries.</summary>
/// <param name="Source">Who asked for it.</param>
/// <param name="Target">Who has the reservation.</param>
internal sealed record Circuit(PeerId Source, PeerId Target);

/// <summary>
/// What a relay has promised: reservations and circuits, and the limits on both (libp2p/specs relay/circuit-v2). It decides; the
/// service does what it says. Not thread-safe; time only moves by the arguments.
/// </summary>
internal sealed class RelayTable(RelayServiceOptions options)
{
    private const int MaxRateKeys = 8192;

    private readonly Dictionary<PeerId, (string Ip, DateTimeOffset Expires)> _reservations = [];
    private readonly Dictionary<PeerId, int> _circuitsFrom = [];
    private readonly Dictionary<PeerId, int> _circuitsTo = [];
    private readonly RequestRates<string> _rates = new(options.RequestsPerMinutePerIp, MaxRateKeys);

    /// <summary>Circuits that are open.</summary>
    public int CircuitCount { get; private set; }

    /// <summary>Makes or refreshes a peer's reservation.</summary>
    /// <param name="peer">Who asks.</param>
    /// <param name="ip">Where it is connected from; an IPv6 address cut to its /64.</param>
    /// <param name="now">The time.</param>
    /// <param name="expires">When the reservation ends, to the second, if the answer is Ok.</param>
    public RelayStatus Reserve(PeerId peer, string ip, DateTimeOffset now, out DateTimeOffset expires)
    {
        expires = default;
        if (!_rates.TryTake(ip, now))
        {
            return RelayStatus.ReservationRefused;
        }

        DropExpired(now);
        var others = _reservations.Count - (_reservations.ContainsKey(peer) ? 1 : 0);
        if (others >= options.MaxReservations
            || _reservations.Count(r => r.Value.Ip == ip && r.Key != peer) >= options.MaxReservationsPerIp)
        {
            return RelayStatus.ReservationRefused;
        }

        // To whole seconds, as the voucher says it: the relay must not take a shorter view than its word.
        expires = DateTimeOffset.FromUnixTimeSeconds((now + options.ReservationTtl).ToUnixTimeSeconds());
        _reservations[peer] = (ip, expires);
        return RelayStatus.Ok;
    }

    /// <summary>Reservations that hold.</summary>
    public int CountReservations(DateTimeOffset now)
    {
        DropExpired(now);
        return _reservations.Count;
    }

    /// <summary>True while the peer's reservation holds.</summary>
    public bool HasReservation(PeerId peer, DateTimeOffset now) => _reservations.TryGetValue(peer, out var r) && r.Expires > now;

    /// <summary>Opens a circuit; give it back to <see cref="End"/>.</summary>
    public RelayStatus Begin(PeerId source, PeerId target, string ip, DateTimeOffset now, out Circuit? circuit)
    {
        circuit = null;
        if (!_rates.TryTake(ip, now))
        {
            return RelayStatus.ResourceLimitExceeded;
        }

        if (source == target)
        {
            return RelayStatus.PermissionDenied;
        }

        if (!HasReservation(target, now))
        {
            return RelayStatus.NoReservation;
        }

        if (CircuitCount >= options.MaxCircuits
            || _circuitsFrom.GetValueOrDefault(source) >= options.MaxCircuitsPerPeer
            || _circuitsTo.GetValueOrDefault(target) >= options.MaxCircuitsPerPeer)
        {
            return RelayStatus.ResourceLimitExceeded;
        }

        CircuitCount++;
        _circuitsFrom[source] = _circuitsFrom.GetValueOrDefault(source) + 1;
        _circuitsTo[target] = _circuitsTo.GetValueOrDefault(target) + 1;
        circuit = new Circuit(source, target);
        return RelayStatus.Ok;
    }

    /// <summary>A circuit ended; call it once for each.</summary>
    public void End(Circuit circuit)
    {
        CircuitCount--;
        Decrement(_circuitsFrom, circuit.Source);
        Decrement(_circuitsTo, circuit.Target);
    }

    /// <summary>The peer disconnected: its reservation ends with its last connection.</summary>
    public void PeerGone(PeerId peer) => _reservations.Remove(peer);

    private static void Decrement(Dictionary<PeerId, int> counts, PeerId peer)
    {
        if (--counts[peer] == 0)
        {
            counts.Remove(peer);
        }
    }

    private void DropExpired(DateTimeOffset now)
    {
        foreach (var (peer, reservation) in _reservations)
        {
            if (reservation.Expires <= now)
            {
                _reservations.Remove(peer);
            }
        }
    }
}
