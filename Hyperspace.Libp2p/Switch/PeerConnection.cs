using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Multistream;
using Hyperspace.Libp2p.Noise;
using Hyperspace.Libp2p.Yamux;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>What an upgraded connection is made of.</summary>
/// <param name="Transport">The socket's stream; the connection owns it.</param>
/// <param name="Channel">Noise over it.</param>
/// <param name="RemotePeer">Who is at the other end.</param>
/// <param name="RemoteAddress">Where, without <c>/p2p</c>.</param>
/// <param name="Inbound">True when the remote dialed.</param>
/// <param name="EarlyMuxer">True when the muxer was settled in the Noise handshake.</param>
/// <param name="Limited">True when a relay bounds it in bytes and time.</param>
internal sealed record Upgraded(Stream Transport, SecureChannel Channel, PeerId RemotePeer, Multiaddr RemoteAddress, bool Inbound, bool EarlyMuxer, bool Limited);

/// <summary>
/// One connection: a reading loop that feeds the Yamux session, and a flush that sends what gathered while the last
/// send was under way. One lock serialises the session; nothing waits inside it.
/// </summary>
internal sealed partial class PeerConnection
{
    private static readonly TimeSpan TickPeriod = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FarewellTimeout = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Upgraded _upgraded;
    private readonly YamuxSession _session;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<PeerStream> _serve;
    private readonly CancellationTokenSource _closed = new();
    private readonly SemaphoreSlim _backlog;
    private readonly TimeSpan _negotiationTimeout;
    private readonly long _startedAt;
    private ITimer? _ticks;
    private IOException? _fault;

    /// <param name="upgraded">The secured transport.</param>
    /// <param name="options">Yamux' limits.</param>
    /// <param name="negotiationTimeout">For settling on a stream's protocol.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears why the connection ended.</param>
    /// <param name="serve">Takes inbound streams; called under the lock, must only start work.</param>
    public PeerConnection(Upgraded upgraded, YamuxOptions options, TimeSpan negotiationTimeout, TimeProvider time, ILogger logger, Action<PeerStream> serve)
    {
        _upgraded = upgraded;
        _session = new YamuxSession(!upgraded.Inbound, options, this);
        _negotiationTimeout = negotiationTimeout;
        _time = time;
        _logger = logger;
        _serve = serve;
        _backlog = new SemaphoreSlim(options.AckBacklog);
        _startedAt = time.GetTimestamp();
        ClosedToken = _closed.Token;
    }

    public PeerId RemotePeer => _upgraded.RemotePeer;

    public Multiaddr RemoteAddress => _upgraded.RemoteAddress;

    public bool Inbound => _upgraded.Inbound;

    public bool EarlyMuxer => _upgraded.EarlyMuxer;

    /// <summary>True when a relay bounds it in bytes and time; only protocols that ask for it run there.</summary>
    public bool Limited => _upgraded.Limited;

    /// <summary>Cancelled when the connection is gone.</summary>
    public CancellationToken ClosedToken { get; }

    /// <summary>True while streams can be opened.</summary>
    public bool IsUsable => _fault is null && !_session.GoingAway;

    public int StreamCount
    {
        get
        {
            lock (_gate)
            {
                return _session.StreamCount;
            }
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_startedAt);

    /// <summary>Runs the connection to its end; does not throw.</summary>
    public async Task RunAsync()
    {
        bool flush;
        lock (_gate)
        {
            _session.Ping(Now);
            flush = BeginFlush();
        }

        StartFlush(flush);
        _ticks = _time.CreateTimer(_ => Tick(), null, TickPeriod, TickPeriod);
        IOException reason;
        try
        {
            reason = await ReadAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (IsEndOfConnection(e))
        {
            reason = e as IOException ?? new IOException("The connection was closed.", e);
        }
        catch (Exception e)
        {
            _logger.LogError(e, "The connection with {Peer} ends because of a bug", RemotePeer);
            reason = new IOException("The connection ended because of an error in this peer.", e);
            await CloseAsync(YamuxGoAway.InternalError, reason).ConfigureAwait(false);
        }

        if (reason is ProtocolViolationException)
        {
            await CloseAsync(YamuxGoAway.ProtocolError, reason).ConfigureAwait(false);
        }

        Abort(reason);
        await DrainedAsync().ConfigureAwait(false);
        await _ticks.DisposeAsync().ConfigureAwait(false);
        _upgraded.Channel.Dispose();
        _pending.Dispose();
        _spare.Dispose();
    }

    /// <summary>Opens a stream and negotiates the first of <paramref name="protocols"/> that the remote speaks.</summary>
    /// <exception cref="IOException">The connection is gone or the remote speaks none of them.</exception>
    public async Task<PeerStream> OpenAsync(IReadOnlyList<string> protocols, CancellationToken cancellationToken)
    {
        if (!_backlog.Wait(0, CancellationToken.None))
        {
            await WaitForBacklogAsync(cancellationToken).ConfigureAwait(false);
        }

        PeerStream stream;
        lock (_gate)
        {
            // A connection that opens nothing more needs no room in its backlog either.
            ThrowIfClosed();
            stream = new PeerStream(this, _session.Open(Now));
        }

        try
        {
            stream.Protocol = await stream.NegotiateAsync(new MultistreamDialer(protocols), _negotiationTimeout, _time, cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            stream.Reset();
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Says goodbye, sends what waits (for up to a second) and closes.</summary>
    public async Task CloseAsync(YamuxGoAway reason = YamuxGoAway.Normal, IOException? fault = null)
    {
        bool flush;
        lock (_gate)
        {
            if (_fault is not null)
            {
                return;
            }

            _session.GoAway(reason);
            flush = BeginFlush();
        }

        StartFlush(flush);
        try
        {
            await DrainedAsync().WaitAsync(FarewellTimeout, _time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logger.LogDebug("{Peer} did not take the farewell in time", RemotePeer);
        }

        Abort(fault ?? new IOException("The connection was closed by this peer."));
    }

    // The streams' side: each call enters the session and sends what it produced.

    public void CloseWrite(PeerStream stream) => Enter(stream, static (connection, s) =>
    {
        s.ThrowIfBroken();
        connection._session.CloseWrite(s.State);
        s.OpenWindow();
    });

    public void Reset(PeerStream stream) => Enter(stream, static (connection, s) =>
    {
        if (connection._fault is null)
        {
            connection._session.Reset(s.State);
        }

        s.Fault(new IOException("The stream was reset by this peer."));
    });

    /// <summary>The stream's user is done with it: FIN if it is still missing, and what still arrives is dropped.</summary>
    public void Release(PeerStream stream) => Enter(stream, static (connection, s) =>
    {
        if (connection._fault is null && !s.State.Gone)
        {
            connection._session.CloseWrite(s.State);
            connection._session.Discard(s.State, connection.Now);
        }

        s.EndOfInput();
    });

    public void Consumed(PeerStream stream, uint count)
    {
        bool flush;
        lock (_gate)
        {
            if (_fault is not null)
            {
                return;
            }

            _session.Consumed(stream.State, count, Now);
            flush = BeginFlush();
        }

        StartFlush(flush);
    }

    private void Enter(PeerStream stream, Action<PeerConnection, PeerStream> action)
    {
        bool flush;
        lock (_gate)
        {
            action(this, stream);
            flush = BeginFlush();
        }

        StartFlush(flush);
    }

    private void Tick()
    {
        var flush = false;
        IOException? end = null;
        lock (_gate)
        {
            if (_fault is not null)
            {
                return;
            }

            try
            {
                _session.Tick(Now);
                flush = BeginFlush();
                if (_session is { GoingAway: true, StreamCount: 0 })
                {
                    end = new IOException("The remote went away.");
                }
            }
            catch (YamuxException e)
            {
                end = e;
            }
        }

        StartFlush(flush);
        if (end is not null)
        {
            Abort(end);
        }
    }

    private void Abort(IOException reason)
    {
        lock (_gate)
        {
            if (_fault is not null)
            {
                return;
            }

            _fault = reason;
            foreach (var stream in _session.Streams)
            {
                ((PeerStream)stream.Host!).Fault(reason);
            }

            while (_waitingWriters.TryDequeue(out var writer))
            {
                writer.TrySetResult();
            }
        }

        _logger.LogDebug("The connection with {Peer} ended: {Reason}", RemotePeer, reason.Message);
        _upgraded.Transport.Dispose();
        _closed.Cancel();
    }

    private static bool IsEndOfConnection(Exception e) => e is IOException or OperationCanceledException or ObjectDisposedException;

    private async Task WaitForBacklogAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, ClosedToken);
        try
        {
            await _backlog.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ThrowIfClosed();
            throw;
        }
    }

    private void ThrowIfClosed()
    {
        if (_fault is not null)
        {
            throw new IOException($"The connection to {RemotePeer} is gone: {_fault.Message}", _fault);
        }
    }
}
