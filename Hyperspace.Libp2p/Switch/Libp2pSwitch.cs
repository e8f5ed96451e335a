using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Yamux;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// The switch over TCP, Noise and Yamux. Register protocols with <see cref="Handle"/>, then <see cref="StartAsync"/>.
/// Two connections with one peer (both dialed at once) are normal: streams open on the older, and the peer counts as
/// disconnected when the last is gone.
/// </summary>
public sealed class Libp2pSwitch : ISwitch, IAsyncDisposable
{
    private static readonly YamuxOptions MuxerOptions = new();
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(200);

    private readonly SwitchOptions _options;
    private readonly ILogger _logger;
    private readonly ConnectionTable _connections;
    private readonly PeerStore _store;
    private readonly SwitchObservers _observers;
    private readonly ProtocolHandlers _handlers;
    private readonly ConnectionUpgrader _upgrader;
    private readonly InboundGate _inbound;
    private readonly IdentifyService _identify;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stopped;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task<PeerConnection>> _dials = [];
    private readonly List<Socket> _listeners = [];
    private bool _pushWanted;
    private bool _pushing;
    private int _disposed;

    /// <summary>Sets the switch up; nothing listens yet.</summary>
    public Libp2pSwitch(SwitchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _stopped = _stopping.Token;
        _logger = options.LoggerFactory.CreateLogger("Hyperspace.Libp2p.Switch");
        LocalPeer = options.KeyPair.PeerId;
        _connections = new ConnectionTable(options.MaxConnections, options.MaxConnectionsPerPeer);
        _store = new PeerStore(options.MaxKnownPeers, options.MaxAddressesPerPeer, p => _connections.EpochOf(p) != 0);
        _observers = new SwitchObservers(_connections.EpochOf, _store.Find, _logger);
        _handlers = new ProtocolHandlers(options.NegotiationTimeout, options.TimeProvider, _logger);
        _upgrader = new ConnectionUpgrader(options);
        _inbound = new InboundGate(options.InboundUpgradesPerSecond, options.MaxInboundUpgrades, options.TimeProvider);
        _tasks = new BackgroundTasks(_logger);
        _identify = new IdentifyService(options.KeyPair, options.AgentVersion, options.TimeProvider, () => ListenAddresses, () => _handlers.Names, Learn, _logger);
        Handle(IdentifyService.Protocol, _identify.ServeAsync, IdentifyService.MaxInboundPerPeer);
        Handle(IdentifyService.PushProtocol, _identify.ServePushAsync, IdentifyService.MaxInboundPerPeer);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Multiaddr> ListenAddresses { get; private set; } = [];

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId> ConnectedPeers => _connections.Peers;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">An address cannot be listened on; nothing listens then.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        var listeners = new List<Socket>();
        try
        {
            foreach (var address in _options.ListenAddresses)
            {
                listeners.Add(TcpTransport.Listen(address));
            }
        }
        catch
        {
            listeners.ForEach(l => l.Dispose());
            throw;
        }

        lock (_gate)
        {
            _listeners.AddRange(listeners);
        }

        ListenAddresses = [.. ListenAddresses, .. listeners.SelectMany(TcpTransport.AddressesOf)];
        foreach (var listener in listeners)
        {
            _tasks.Run(() => AcceptAsync(listener));
        }

        PushIdentify();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxInboundPerPeer);
        if (_handlers.Add(protocol, handler, maxInboundPerPeer))
        {
            PushIdentify();
        }
    }

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

        if ((expected is null ? _connections.DialedTo(transport) : _connections.Pick(expected)) is { } existing)
        {
            return existing.RemotePeer;
        }

        var connection = await ShareDialAsync($"{transport} {expected}", () => ConnectAsync(transport, expected), cancellationToken).ConfigureAwait(false);
        return connection.RemotePeer;
    }

    /// <inheritdoc/>
    public async Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentOutOfRangeException.ThrowIfZero(protocols.Count);
        if (peer == LocalPeer)
        {
            throw new IOException("A peer opens no streams to itself.");
        }

        for (var retry = false; ; retry = true)
        {
            var connection = _connections.Pick(peer)
                ?? await ShareDialAsync(peer.ToString(), () => ConnectAsync(peer), cancellationToken).ConfigureAwait(false);
            try
            {
                return await connection.OpenAsync(protocols, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when (!retry && !connection.IsUsable)
            {
                _logger.LogDebug("The connection to {Peer} broke while a stream was opened: {Reason}", peer, e.Message);
            }
        }
    }

    /// <inheritdoc/>
    public Task DisconnectAsync(PeerId peer) =>
        Task.WhenAll(_connections.Of(peer).Select(c => c.CloseAsync()));

    /// <inheritdoc/>
    public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses)
    {
        if (peer != LocalPeer)
        {
            _store.AddAddresses(peer, addresses);
        }
    }

    /// <inheritdoc/>
    public bool HasDialed(PeerId peer) => ConnectionsOf(peer).Any(c => !c.Inbound);

    /// <inheritdoc/>
    public IReadOnlyList<IPAddress> RemoteIpsOf(PeerId peer) =>
        [.. ConnectionsOf(peer)
            .Where(c => !c.RemoteAddress.Components.Any(p => p.Protocol == "p2p-circuit"))
            .Select(c => c.RemoteAddress.ValueOf("ip4") ?? c.RemoteAddress.ValueOf("ip6"))
            .OfType<string>()
            .Select(IPAddress.Parse)
            .Distinct()];

    /// <inheritdoc/>
    public PeerRecord? Find(PeerId peer) => _store.Find(peer);

    /// <inheritdoc/>
    public IDisposable Observe(ISwitchObserver observer) => _observers.Add(observer);

    /// <summary>Stops listening, says goodbye on every connection, closes them and waits (up to 10 s) until nothing runs any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // First, so that the accepting loops take what follows for the end and not for a fault.
        await _stopping.CancelAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _listeners.ForEach(l => l.Dispose());
        }

        await Task.WhenAll(_connections.All.Select(c => c.CloseAsync())).ConfigureAwait(false);
        try
        {
            await _tasks.DrainAsync().WaitAsync(DrainTimeout, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logger.LogWarning("Some stream handlers ignore that they are cancelled; the switch no longer waits for them");
        }

        _stopping.Dispose();
    }

    /// <summary>Where a connected peer is, as its oldest connection shows it.</summary>
    internal Multiaddr? RemoteAddressOf(PeerId peer) => _connections.Of(peer) is [var first, ..] ? first.RemoteAddress : null;

    /// <summary>The live connections to a peer.</summary>
    internal IReadOnlyList<PeerConnection> ConnectionsOf(PeerId peer) => _connections.Of(peer);

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stopped.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stopped).ConfigureAwait(false);
            }
            catch (SocketException e) when (!_stopped.IsCancellationRequested)
            {
                // Out of file handles, for instance: those that are open go on, and later ones are welcome again.
                _logger.LogWarning("Accepting a connection failed: {Reason}", e.Message);
                await Task.Delay(AcceptPause, _options.TimeProvider, _stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }

            if (_inbound.TryEnter())
            {
                _tasks.Run(() => AdmitAsync(socket));
            }
            else
            {
                socket.Dispose();
            }
        }
    }

    private async Task AdmitAsync(Socket socket)
    {
        try
        {
            var upgraded = await _upgrader.UpgradeAsync(socket, TcpTransport.RemoteAddressOf(socket), inbound: true, null, _stopped).ConfigureAwait(false);
            _ = Install(upgraded);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            _logger.LogDebug("An inbound connection was not upgraded: {Reason}", e.Message);
            socket.Dispose();
        }
        finally
        {
            _inbound.Leave();
        }
    }

    /// <summary>Dials the addresses that are known of a peer, one after the other.</summary>
    private async Task<PeerConnection> ConnectAsync(PeerId peer)
    {
        var addresses = (_store.Find(peer)?.Addresses ?? []).Where(TcpTransport.CanDial).ToArray();
        List<string> failures = [];
        foreach (var address in addresses)
        {
            try
            {
                return await ConnectAsync(address, peer).ConfigureAwait(false);
            }
            catch (IOException e)
            {
                failures.Add(e.Message);
            }
        }

        throw new IOException(failures.Count == 0
            ? $"No address of {peer} is known; dial one first."
            : $"{peer} cannot be reached: {string.Join("; ", failures)}");
    }

    private async Task<PeerConnection> ConnectAsync(Multiaddr address, PeerId? expected)
    {
        using var late = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stopped);
        Socket socket;
        try
        {
            socket = await TcpTransport.ConnectAsync(address, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopped.IsCancellationRequested)
        {
            throw new IOException($"No connection to {address} within {_options.ConnectTimeout.TotalSeconds} s.");
        }

        var upgraded = await _upgrader.UpgradeAsync(socket, address, inbound: false, expected, _stopped).ConfigureAwait(false);
        _store.AddAddresses(upgraded.RemotePeer, [address]);
        return Install(upgraded);
    }

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

    /// <summary>Takes an upgraded connection in and starts it.</summary>
    private PeerConnection Install(Upgraded upgraded)
    {
        var connection = new PeerConnection(upgraded, MuxerOptions, _options.NegotiationTimeout, _options.TimeProvider, _logger, Serve);
        if (_disposed != 0 || !_connections.TryAdd(connection))
        {
            upgraded.Transport.Dispose();
            upgraded.Channel.Dispose();
            throw new IOException($"The connection with {upgraded.RemotePeer} is one too many.");
        }

        _tasks.Run(() => RunAsync(connection));
        _tasks.Run(() => IdentifyAsync(connection));
        if (_disposed != 0)
        {
            // Shutdown began in between and may have missed it.
            _ = connection.CloseAsync();
        }

        return connection;
    }

    private async Task RunAsync(PeerConnection connection)
    {
        await connection.RunAsync().ConfigureAwait(false);
        _connections.Remove(connection);
        _observers.Refresh(connection.RemotePeer);
    }

    private void Serve(PeerStream stream) => _tasks.Run(() => _handlers.ServeAsync(stream));

    private async Task IdentifyAsync(PeerConnection connection)
    {
        using var late = new CancellationTokenSource(_options.IdentifyTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, connection.ClosedToken);
        await _identify.IdentifyAsync(connection, either.Token).ConfigureAwait(false);
    }

    private void Learn(PeerConnection connection, IdentifyMessage message)
    {
        var changed = false;
        var record = _store.Update(connection.RemotePeer, known =>
        {
            var dialed = connection.Inbound ? [] : new[] { connection.RemoteAddress };
            var next = known with
            {
                Addresses = [.. dialed.Concat(message.ListenAddresses.Select(a => a.WithoutPeer())).Concat(known.Addresses).Distinct().Take(_options.MaxAddressesPerPeer)],
                Protocols = message.Protocols,
                AgentVersion = message.AgentVersion ?? known.AgentVersion,
            };
            changed = !next.Protocols.SequenceEqual(known.Protocols) || !next.Addresses.SequenceEqual(known.Addresses);
            return next;
        });
        _observers.Identified(record, _connections.EpochOf(connection.RemotePeer), changed);
    }

    /// <summary>Tells every connected peer how this peer is now; changes while it runs lead to one more round.</summary>
    private void PushIdentify()
    {
        lock (_gate)
        {
            _pushWanted = true;
            if (_pushing)
            {
                return;
            }

            _pushing = true;
        }

        _tasks.Run(PushIdentifyAsync);
    }

    private async Task PushIdentifyAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (!_pushWanted)
                {
                    _pushing = false;
                    return;
                }

                _pushWanted = false;
            }

            var targets = _connections.Peers
                .Where(p => _store.Find(p)?.Protocols.Contains(IdentifyService.PushProtocol) == true)
                .Select(_connections.Pick)
                .OfType<PeerConnection>();
            await Task.WhenAll(targets.Select(c => _identify.PushAsync(c, _stopped))).ConfigureAwait(false);
        }
    }
}
