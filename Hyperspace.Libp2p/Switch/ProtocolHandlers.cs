using System.Collections.Concurrent;
using Hyperspace.Libp2p.Multistream;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>The protocols that this peer serves, and how many streams of each every peer has open.</summary>
internal sealed class ProtocolHandlers(TimeSpan negotiationTimeout, TimeProvider time, ILogger logger)
{
    private readonly ConcurrentDictionary<string, Registration> _handlers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(PeerId Peer, string Protocol), int> _open = new();

    /// <summary>The protocols' names, in order.</summary>
    public IReadOnlyList<string> Names => [.. _handlers.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Offers a protocol, in place of an earlier handler of the same name; true when it is new.</summary>
    public bool Add(string protocol, StreamHandler handler, int maxInboundPerPeer, bool runOnLimited)
    {
        var isNew = !_handlers.ContainsKey(protocol);
        _handlers[protocol] = new Registration(handler, maxInboundPerPeer, runOnLimited);
        return isNew;
    }

    /// <summary>Offers a protocol no longer; streams that are open are served to their end. True when it was offered.</summary>
    public bool Remove(string protocol) => _handlers.TryRemove(protocol, out _);

    /// <summary>Negotiates and serves one inbound stream to its end; does not throw.</summary>
    public async Task ServeAsync(PeerStream stream)
    {
        var closed = stream.Connection.ClosedToken;
        try
        {
            stream.Protocol = await stream.NegotiateAsync(new MultistreamListener(p => IsServed(p, stream.Connection.Limited)), negotiationTimeout, time, closed).ConfigureAwait(false);
            var registration = _handlers.GetValueOrDefault(stream.Protocol) ?? throw new IOException("The protocol was withdrawn while it was negotiated.");
            var key = (stream.RemotePeer, stream.Protocol);
            var open = _open.AddOrUpdate(key, 1, static (_, count) => count + 1);
            try
            {
                if (open > registration.MaxInboundPerPeer)
                {
                    logger.LogDebug("{Peer} has more than {Limit} streams of {Protocol}; one is refused", stream.RemotePeer, registration.MaxInboundPerPeer, stream.Protocol);
                    stream.Reset();
                }
                else
                {
                    await registration.Handler(stream, closed).ConfigureAwait(false);
                }
            }
            finally
            {
                Leave(key);
            }
        }
        catch (Exception e)
        {
            if (e is IOException or OperationCanceledException)
            {
                logger.LogDebug("A stream of {Protocol} from {Peer} ended: {Reason}", stream.Protocol, stream.RemotePeer, e.Message);
            }
            else
            {
                logger.LogError(e, "The handler of {Protocol} failed for {Peer}; its stream is reset", stream.Protocol, stream.RemotePeer);
            }

            stream.Reset();
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private bool IsServed(string protocol, bool limited) => _handlers.TryGetValue(protocol, out var registration) && (registration.RunOnLimited || !limited);

    private void Leave((PeerId Peer, string Protocol) key)
    {
        while (_open.TryGetValue(key, out var count))
        {
            if (count == 1 ? _open.TryRemove(new KeyValuePair<(PeerId, string), int>(key, 1)) : _open.TryUpdate(key, count - 1, count))
            {
                return;
            }
        }
    }

    private sealed record Registration(StreamHandler Handler, int MaxInboundPerPeer, bool RunOnLimited);
}
