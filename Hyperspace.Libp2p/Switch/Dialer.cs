using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Makes outbound connections: so many at once, each address within its time, a peer's addresses in a race, failed ones after a while only.</summary>
/// <param name="options">The limits.</param>
/// <param name="transportFor">Who can dial an address, if anybody.</param>
/// <param name="upgrader">Secures what was dialed.</param>
/// <param name="stopped">Cancelled when the switch shuts down.</param>
internal sealed class Dialer(SwitchOptions options, Func<Multiaddr, ITransport?> transportFor, ConnectionUpgrader upgrader, CancellationToken stopped) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(options.MaxDials);

    /// <summary>Which addresses failed lately; whoever takes a connection in says that its peer is there.</summary>
    public DialBackoff Backoff { get; } = new(options.DialBackoff, options.MaxDialBackoff, options.MaxKnownPeers, options.TimeProvider, Random.Shared.NextDouble);

    /// <summary>Dials one address now, whether it failed lately or not.</summary>
    /// <exception cref="IOException">No connection, or another peer answered.</exception>
    public async Task<Upgraded> DialAsync(Multiaddr address, PeerId? expected, CancellationToken cancellationToken)
    {
        if (!await _slots.WaitAsync(options.ConnectTimeout, cancellationToken).ConfigureAwait(false))
        {
            throw new IOException($"{options.MaxDials} dials are under way already; {address} was not dialed.");
        }

        try
        {
            return await AttemptAsync(address, expected, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (expected is not null && !cancellationToken.IsCancellationRequested)
        {
            Backoff.Failed(expected, address);
            throw;
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Dials the addresses of a peer that need not wait after a failure.</summary>
    /// <exception cref="IOException">None of them led to the peer.</exception>
    public async Task<Upgraded> DialAnyAsync(PeerId peer, IEnumerable<Multiaddr> addresses)
    {
        var known = DialOrder.Of(addresses.Where(a => transportFor(a) is not null)).ToArray();
        var ready = known.Where(a => Backoff.WaitFor(peer, a) == TimeSpan.Zero).Take(options.MaxAddressesPerDial).ToArray();
        if (ready.Length == 0)
        {
            throw new IOException(known.Length == 0
                ? $"No address of {peer} is known that can be dialed; dial one first."
                : $"{peer} could not be reached a moment ago; the next try is due in {known.Min(a => Backoff.WaitFor(peer, a)).TotalSeconds:0.#} s.");
        }

        try
        {
            return await StaggeredRace.RunAsync(
                [.. ready.Select(a => (Func<CancellationToken, Task<Upgraded>>)(token => DialAsync(a, peer, token)))],
                options.DialStagger,
                options.TimeProvider,
                Discard,
                stopped).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new IOException($"{peer} cannot be reached: {e.Message}", e);
        }
    }

    /// <summary>Closes a connection that nobody wants.</summary>
    public static void Discard(Upgraded upgraded)
    {
        upgraded.Transport.Dispose();
        upgraded.Channel.Dispose();
    }

    public void Dispose() => _slots.Dispose();

    private async Task<Upgraded> AttemptAsync(Multiaddr address, PeerId? expected, CancellationToken cancellationToken)
    {
        var transport = transportFor(address)
            ?? throw new IOException($"'{address}' cannot be dialed: only /ip4, /ip6 and /dns addresses with /tcp can, and with /ws, /wss or /tls/ws behind it.");
        using var limit = new TimedCancellation(options.ConnectTimeout, options.TimeProvider, cancellationToken);
        RawConnection raw;
        try
        {
            raw = await transport.DialAsync(expected is null ? address : address.WithPeer(expected), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.TimedOut && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"No connection to {address} within {options.ConnectTimeout.TotalSeconds} s.");
        }

        return await upgrader.UpgradeAsync(raw, inbound: false, expected, cancellationToken).ConfigureAwait(false);
    }
}
