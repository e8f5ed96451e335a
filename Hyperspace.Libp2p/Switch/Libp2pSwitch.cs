using System.Net;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;
using Hyperspace.Libp2p.Yamux;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// The switch: TCP or another transport, Noise and Yamux. Register protocols with <see cref="Handle(string, StreamHandler, int)"/>, then <see cref="StartAsync"/>.
/// Two connections with one peer (both dialed at once) are normal: streams open on the older, and the peer counts as
/// disconnected when the last is gone.
/// </summary>
public sealed partial class Libp2pSwitch : ISwitch, IAsyncDisposable
{
    private static readonly YamuxOptions MuxerOptions = new();
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(10);

    private readonly SwitchOptions _options;
    private readonly ILogger _logger;
    private readonly ConnectionTable _connections;
    private readonly PeerStore _store;
    private readonly SwitchObservers _observers;
    private readonly ProtocolHandlers _handlers;
    private readonly ConnectionUpgrader _upgrader;
    private readonly Dialer _dialer;
    private readonly InboundGate _inbound;
    private readonly IdentifyService _identify;
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationToken _stopped;
    private readonly Lock _gate = new();
    private ITransport[] _transports = [new TcpTransport(), new WebSocketTransport()];
    private int _disposed;

    /// <summary>Sets the switch up; nothing listens yet.</summary>
    public Libp2pSwitch(SwitchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _stopped = _stopping.Token;
        _logger = options.LoggerFactory.CreateLogger("Hyperspace.Libp2p.Switch");
        LocalPeer = options.KeyPair.PeerId;
        _connections = new ConnectionTable(options.MaxConnections, options.MaxConnectionsPerPeer, options.MaxConnectionsPerIp);
        _store = new PeerStore(options.MaxKnownPeers, options.MaxAddressesPerPeer, options.AddressTtl, options.TimeProvider, _connections.Contains);
        _observers = new SwitchObservers(_connections.EpochOf, _store.Find, _logger);
        _handlers = new ProtocolHandlers(options.NegotiationTimeout, options.TimeProvider, _logger);
        _upgrader = new ConnectionUpgrader(options);
        _dialer = new Dialer(options, TransportFor, _upgrader, _stopped);
        _inbound = new InboundGate(
            new InboundLimits(options.InboundUpgradesPerSecond, options.MaxInboundUpgrades),
            new InboundLimits(options.InboundUpgradesPerSecondPerIp, options.MaxInboundUpgradesPerIp),
            options.TimeProvider);
        _tasks = new BackgroundTasks(_logger);
        _identify = new IdentifyService(options.KeyPair, options.AgentVersion, options.TimeProvider, () => ListenAddresses, () => _handlers.Names, Learn, _logger);
        _announced = [.. options.AnnounceAddresses];
        _trimming = options.TimeProvider.CreateTimer(_ => Trim(), null, options.TrimInterval, options.TrimInterval);
        Handle(IdentifyService.Protocol, _identify.ServeAsync, IdentifyService.MaxInboundPerPeer, runOnLimited: true);
        Handle(IdentifyService.PushProtocol, _identify.ServePushAsync, IdentifyService.MaxInboundPerPeer, runOnLimited: true);
    }

    /// <inheritdoc/>
    public PeerId LocalPeer { get; }

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId> ConnectedPeers => _connections.Peers;

    /// <summary>The live connections, as they are now.</summary>
    public IReadOnlyList<ConnectionInfo> Connections => [.. _connections.All.Select(c => new ConnectionInfo(c.RemotePeer, c.RemoteAddress, c.Inbound, c.StreamCount))];

    /// <inheritdoc/>
    public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => Handle(protocol, handler, maxInboundPerPeer, runOnLimited: false);

    /// <inheritdoc/>
    public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer, bool runOnLimited)
    {
        ArgumentException.ThrowIfNullOrEmpty(protocol);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxInboundPerPeer);
        if (_handlers.Add(protocol, handler, maxInboundPerPeer, runOnLimited))
        {
            PushIdentify();
        }
    }

    /// <inheritdoc/>
    public void Unhandle(string protocol)
    {
        if (_handlers.Remove(protocol))
        {
            PushIdentify();
        }
    }

    /// <inheritdoc/>
    public Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) =>
        OpenStreamAsync(peer, protocols, runOnLimited: false, cancellationToken);

    /// <inheritdoc/>
    public async Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, bool runOnLimited, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(protocols);
        ArgumentOutOfRangeException.ThrowIfZero(protocols.Count);
        if (peer == LocalPeer)
        {
            throw new IOException("A peer opens no streams to itself.");
        }

        for (var retry = false; ; retry = true)
        {
            var connection = _connections.Pick(peer, runOnLimited) ?? await ReachAsync(peer, cancellationToken).ConfigureAwait(false);
            if (connection.Limited && !runOnLimited)
            {
                throw new IOException($"Only a relay leads to {peer}, and {protocols[0]} does not run over one.");
            }

            connection.UsedAt = _options.TimeProvider.GetTimestamp();
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
            .Where(c => !c.RemoteAddress.IsRelayed)
            .Select(c => c.RemoteAddress.ValueOf("ip4") ?? c.RemoteAddress.ValueOf("ip6"))
            .OfType<string>()
            .Select(IPAddress.Parse)
            .Distinct()];

    /// <inheritdoc/>
    public Multiaddr? RemoteAddressOf(PeerId peer) => _connections.Of(peer) is [var first, ..] ? first.RemoteAddress : null;

    /// <inheritdoc/>
    public PeerRecord? Find(PeerId peer) => _store.Find(peer);

    /// <summary>Up to so many peers whose addresses are known, most recently met first: to be kept over a restart and given to <see cref="AddAddresses"/>.</summary>
    public IReadOnlyList<PeerRecord> KnownPeers(int max) => _store.Snapshot(max);

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
        await _trimming.DisposeAsync().ConfigureAwait(false);
        await CloseListenersAsync().ConfigureAwait(false);
        await Task.WhenAll(_connections.All.Select(c => c.CloseAsync())).ConfigureAwait(false);
        try
        {
            await _tasks.DrainAsync().WaitAsync(DrainTimeout, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logger.LogWarning("Some stream handlers ignore that they are cancelled; the switch no longer waits for them");
        }

        _dialer.Dispose();
        _stopping.Dispose();
    }

    /// <summary>
    /// Adds a way to connect, asked after those that are there. A relay's transport, which opens streams itself, comes in like this; call it
    /// before anything listens or dials there.
    /// </summary>
    internal void Use(ITransport transport)
    {
        lock (_gate)
        {
            _transports = [.. _transports, transport];
        }
    }

    /// <summary>The live connections to a peer.</summary>
    internal IReadOnlyList<PeerConnection> ConnectionsOf(PeerId peer) => _connections.Of(peer);

    /// <summary>Takes an upgraded connection in and starts it.</summary>
    private PeerConnection Install(Upgraded upgraded)
    {
        var connection = new PeerConnection(upgraded, MuxerOptions, _options.NegotiationTimeout, _options.TimeProvider, _logger, Serve);
        if (_disposed != 0 || !_connections.TryAdd(connection, IsExempt(upgraded.RemoteAddress) ? null : IpGroup.Of(upgraded.RemoteAddress)))
        {
            Dialer.Discard(upgraded);
            throw new IOException($"The connection with {upgraded.RemotePeer} is one too many.");
        }

        _dialer.Backoff.Succeeded(upgraded.RemotePeer);
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

    private void Serve(PeerStream stream)
    {
        stream.Connection.UsedAt = _options.TimeProvider.GetTimestamp();
        _tasks.Run(() => _handlers.ServeAsync(stream));
    }
}
