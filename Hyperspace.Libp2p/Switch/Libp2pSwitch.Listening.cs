using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <content>Listening: which addresses are open and announced, and what becomes of those who connect.</content>
public sealed partial class Libp2pSwitch
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(200);

    private readonly List<ITransportListener> _listeners = [];
    private Multiaddr[] _announced;

    /// <inheritdoc/>
    public IReadOnlyList<Multiaddr> ListenAddresses
    {
        get
        {
            lock (_gate)
            {
                return [.. _listeners.SelectMany(l => l.Addresses).Concat(_announced).Distinct()];
            }
        }
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">An address cannot be listened on; nothing listens then.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var listeners = new List<ITransportListener>();
        try
        {
            foreach (var address in _options.ListenAddresses)
            {
                listeners.Add(await OpenListenerAsync(address, cancellationToken).ConfigureAwait(false));
            }
        }
        catch
        {
            foreach (var listener in listeners)
            {
                await listener.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }

        await AddAsync(listeners).ConfigureAwait(false);
    }

    /// <summary>Listens at one more address from now on, and tells the connected peers. Dispose what it returns to stop again.</summary>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    internal async Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var listener = await OpenListenerAsync(address, cancellationToken).ConfigureAwait(false);
        await AddAsync([listener]).ConfigureAwait(false);
        return listener;
    }

    /// <summary>Says which addresses others are told besides those that are listened on (in place of the earlier ones), and tells the connected peers when that is new.</summary>
    internal void Announce(IEnumerable<Multiaddr> addresses)
    {
        Multiaddr[] next = [.. addresses.Select(a => a.WithoutPeer()).Distinct()];
        lock (_gate)
        {
            if (next.SequenceEqual(_announced))
            {
                return;
            }

            _announced = next;
        }

        PushIdentify();
    }

    /// <summary>A listener's addresses changed: tells the connected peers.</summary>
    internal void AddressesChanged() => PushIdentify();

    private Task<ITransportListener> OpenListenerAsync(Multiaddr address, CancellationToken cancellationToken) =>
        Array.Find(_transports, t => t.CanListen(address))?.ListenAsync(address, cancellationToken)
            ?? throw new IOException($"'{address}' cannot be listened on: use /ip4/…/tcp/… or /ip6/…/tcp/….");

    private async Task AddAsync(IReadOnlyList<ITransportListener> listeners)
    {
        lock (_gate)
        {
            _listeners.AddRange(listeners);
        }

        foreach (var listener in listeners)
        {
            _tasks.Run(() => AcceptAsync(listener));
        }

        PushIdentify();
        if (_disposed != 0)
        {
            // Shutdown began in between and may have missed them.
            await CloseListenersAsync().ConfigureAwait(false);
        }
    }

    private async Task CloseListenersAsync()
    {
        ITransportListener[] listeners;
        lock (_gate)
        {
            listeners = [.. _listeners];
            _listeners.Clear();
        }

        foreach (var listener in listeners)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task AcceptAsync(ITransportListener listener)
    {
        try
        {
            while (!_stopped.IsCancellationRequested)
            {
                try
                {
                    Admit(await listener.AcceptAsync(_stopped).ConfigureAwait(false));
                }
                catch (IOException e)
                {
                    // Out of file handles, for instance: those that are open go on, and later ones are welcome again.
                    _logger.LogWarning("Accepting a connection failed: {Reason}", e.Message);
                    await Task.Delay(AcceptPause, _options.TimeProvider, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            lock (_gate)
            {
                _listeners.Remove(listener);
            }

            PushIdentify();
        }
    }

    private void Admit(RawConnection raw)
    {
        if (_inbound.TryEnter())
        {
            _tasks.Run(() => UpgradeInboundAsync(raw));
        }
        else
        {
            raw.Stream.Dispose();
        }
    }

    private async Task UpgradeInboundAsync(RawConnection raw)
    {
        try
        {
            _ = Install(await _upgrader.UpgradeAsync(raw, inbound: true, null, _stopped).ConfigureAwait(false));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            _logger.LogDebug("An inbound connection was not upgraded: {Reason}", e.Message);
        }
        finally
        {
            _inbound.Leave();
        }
    }
}
