using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Transports;

/// <summary>Bytes to and from another host, before anything is secured.</summary>
/// <param name="Stream">The bytes; whoever holds the connection disposes it.</param>
/// <param name="RemoteAddress">Where the other end is, without a trailing <c>/p2p</c>.</param>
/// <param name="Limited">True when a relay bounds the connection in bytes and time; only protocols that ask for it run there.</param>
internal sealed record RawConnection(Stream Stream, Multiaddr RemoteAddress, bool Limited = false)
{
    /// <summary>
    /// What the two ends exchange before <see cref="Stream"/> carries bytes, if anything; it gives the stream to go on with,
    /// which owns the first. It runs within the upgrade's time-out, so that a slow client does not hold up the listener.
    /// </summary>
    public Func<CancellationToken, Task<Stream>>? Handshake { get; init; }
}

/// <summary>Takes connections at an address.</summary>
internal interface ITransportListener : IAsyncDisposable
{
    /// <summary>Where others reach this listener now, with real ports, without a trailing <c>/p2p</c>. When they change, call <see cref="Switch.Libp2pSwitch.AddressesChanged"/>.</summary>
    IReadOnlyList<Multiaddr> Addresses { get; }

    /// <summary>Waits for the next connection.</summary>
    /// <exception cref="IOException">This time it failed; asking again may work.</exception>
    /// <exception cref="ObjectDisposedException">The listener is closed, or ended by itself (a relay's reservation ran out).</exception>
    ValueTask<RawConnection> AcceptAsync(CancellationToken cancellationToken);
}

/// <summary>A way to connect hosts (libp2p: transport). The switch upgrades what it brings.</summary>
internal interface ITransport
{
    /// <summary>True for addresses that <see cref="DialAsync"/> understands, with or without a trailing <c>/p2p</c>.</summary>
    bool CanDial(Multiaddr address);

    /// <summary>True for addresses that <see cref="ListenAsync"/> understands.</summary>
    bool CanListen(Multiaddr address);

    /// <summary>Connects; the caller sets the time limit.</summary>
    /// <exception cref="IOException">Nobody answered there, or what answered was not this transport's protocol.</exception>
    Task<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken);

    /// <summary>Listens.</summary>
    /// <exception cref="IOException">The address is taken, or not one that can be listened on here.</exception>
    Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken);
}
