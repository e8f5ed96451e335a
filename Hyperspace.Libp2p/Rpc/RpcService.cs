using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Rpc;

/// <summary>
/// Calls over <c>/hyperspace/rpc/1.0.0</c>: one stream per call. The caller writes one request and keeps its side
/// open until it has read the end or an error; resetting the stream before that cancels the call at the callee
/// (a mere half-close does not). The callee writes frames as its handler yields them, each waiting for the
/// caller's window, then the end. See <c>docs/protocol.md</c>, "rpc".
/// </summary>
public sealed class RpcService : IRpc, IAsyncDisposable
{
    /// <summary>The protocol's id.</summary>
    public const string ProtocolId = "/hyperspace/rpc/1.0.0";

    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    private readonly ISwitch _switch;
    private readonly RpcOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, RpcHandler> _handlers = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, int> _callsByPeer = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;
    private bool _stopped;

    /// <summary>Offers the protocol on <paramref name="switch"/>; methods are added with <see cref="Handle"/>.</summary>
    public RpcService(ISwitch @switch, RpcOptions? options = null, TimeProvider? time = null, ILogger<RpcService>? logger = null)
    {
        _switch = @switch;
        _options = options ?? new RpcOptions();
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<RpcService>.Instance;

        // The switch refuses without a word; leave it room so that the first calls above the limit still hear a status.
        _switch.Handle(ProtocolId, ServeAsync, _options.MaxCallsPerPeer + 32);
    }

    /// <summary>Calls that are being served now.</summary>
    public int InboundCalls
    {
        get
        {
            lock (_gate)
            {
                return _calls;
            }
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The name is empty, too long or already served.</exception>
    public void Handle(string method, RpcHandler handler)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        ArgumentNullException.ThrowIfNull(handler);
        if (method.Length > _options.MaxMethodLength)
        {
            throw new ArgumentException($"A method name has at most {_options.MaxMethodLength} characters.", nameof(method));
        }

        if (!_handlers.TryAdd(method, handler))
        {
            throw new ArgumentException($"'{method}' is served already.", nameof(method));
        }
    }

    /// <inheritdoc/>
    /// <exception cref="RpcException">The call failed; <see cref="RpcException.Status"/> says how.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> CallAsync(
        PeerId peer,
        string method,
        ReadOnlyMemory<byte> payload,
        TimeSpan deadline,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var call = new OutboundCall(_switch, _options, _time, peer, method);
        await using (call.ConfigureAwait(false))
        {
            await call.StartAsync(payload, deadline, _stopping.Token, cancellationToken).ConfigureAwait(false);
            while (await call.NextAsync().ConfigureAwait(false) is { } frame)
            {
                yield return frame;
            }
        }
    }

    /// <summary>Cancels all calls, in both directions, and waits a little for handlers to end. Later calls are answered with <see cref="RpcStatus.Unavailable"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            if (_calls == 0)
            {
                _drained.TrySetResult();
            }
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await _drained.Task.WaitAsync(DrainTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logger.LogWarning("{Calls} rpc handlers did not end within {Timeout} of their cancellation.", InboundCalls, DrainTimeout);
        }
    }

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var call = new InboundCall(stream, _options, _time, _logger);
        var refusal = Admit(stream.RemotePeer);
        if (refusal is not null)
        {
            await call.RefuseAsync(refusal, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await call.ServeAsync(_handlers, _stopping.Token, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Release(stream.RemotePeer);
        }
    }

    private RpcException? Admit(PeerId peer)
    {
        lock (_gate)
        {
            var ofPeer = _callsByPeer.GetValueOrDefault(peer);
            if (_stopped)
            {
                return new RpcException(RpcStatus.Unavailable, "The peer is shutting down.");
            }

            if (_calls >= _options.MaxCalls || ofPeer >= _options.MaxCallsPerPeer)
            {
                return new RpcException(RpcStatus.ResourceExhausted, "Too many calls at once; try again when some have ended.");
            }

            _calls++;
            _callsByPeer[peer] = ofPeer + 1;
            return null;
        }
    }

    private void Release(PeerId peer)
    {
        lock (_gate)
        {
            if (--_callsByPeer[peer] == 0)
            {
                _callsByPeer.Remove(peer);
            }

            if (--_calls == 0 && _stopped)
            {
                _drained.TrySetResult();
            }
        }
    }
}
