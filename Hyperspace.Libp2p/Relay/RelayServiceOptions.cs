namespace Hyperspace.Libp2p.Relay;

/// <summary>What a relay gives away. The defaults suit a public relay: enough to find each other, not enough to move files.</summary>
public sealed record RelayServiceOptions
{
    /// <summary>How long a reservation lasts unless it is refreshed.</summary>
    public TimeSpan ReservationTtl { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Reservations at once.</summary>
    public int MaxReservations { get; init; } = 128;

    /// <summary>Reservations at once of one IP address (IPv6: of one /64).</summary>
    public int MaxReservationsPerIp { get; init; } = 8;

    /// <summary>Circuits at once.</summary>
    public int MaxCircuits { get; init; } = 1024;

    /// <summary>Circuits at once from one peer, and to one peer.</summary>
    public int MaxCircuitsPerPeer { get; init; } = 16;

    /// <summary>What each circuit may use; two minutes and 128 KiB each way by default.</summary>
    public RelayLimit CircuitLimit { get; init; } = new(TimeSpan.FromMinutes(2), 128 * 1024);

    /// <summary>Requests (reservations and circuits) of one IP address per minute on average; bursts of as many are allowed.</summary>
    public int RequestsPerMinutePerIp { get; init; } = 60;

    /// <summary>For a request and for the target's answer.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Bytes that a circuit holds in each direction while the next leg is not ready for them; at least 1.</summary>
    public int BufferSize { get; init; } = 16 * 1024;
}
