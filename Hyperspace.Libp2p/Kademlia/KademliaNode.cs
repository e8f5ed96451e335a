using Google.Protobuf.Collections;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Multiformats;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>The pure server's state behind a lock, and the requests whose outcomes change its routing table.</summary>
internal sealed class KademliaNode
{
    private const int MaxPings = 4;
    private readonly Lock _gate = new();
    private readonly ISwitch _switch;
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KademliaMessenger _messenger;
    private readonly KademliaServer _server;
    private readonly QueryLimits _limits;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<PeerId> _pinged = [];

    public KademliaNode(ISwitch @switch, KademliaOptions options, TimeProvider time, ILogger logger)
    {
        (_switch, _options, _time, _logger) = (@switch, options, time, logger);
        _messenger = new KademliaMessenger(@switch, options, time);
        _server = new KademliaServer(@switch.LocalPeer, options, AddressesOf);
        _limits = new QueryLimits { K = options.K, Alpha = options.Alpha, RpcTimeout = options.RpcTimeout, QueryTimeout = options.QueryTimeout };
    }

    public PeerId Self => _switch.LocalPeer;

    public bool IsConnected(PeerId peer) => _switch.ConnectedPeers.Contains(peer);

    /// <summary>Known addresses of a peer, this one included.</summary>
    public IReadOnlyList<Multiaddr> AddressesOf(PeerId peer) => peer == Self ? _switch.ListenAddresses : _switch.Find(peer)?.Addresses ?? [];

    /// <summary>Reads or changes the state; quick, and calls nothing but validators and <see cref="ISwitch.Find"/>.</summary>
    public T Locked<T>(Func<KademliaServer, T> use)
    {
        lock (_gate)
        {
            return use(_server);
        }
    }

    /// <summary>As the other one, without a result.</summary>
    public void Locked(Action<KademliaServer> use)
    {
        lock (_gate)
        {
            use(_server);
        }
    }

    /// <summary>Notes that a peer that serves the protocol is alive. True when it is the first in the table.</summary>
    public bool Seen(PeerId peer)
    {
        RoutingEntry? questionable;
        bool first;
        lock (_gate)
        {
            var before = _server.Table.Count;
            (_server.Table, _, questionable) = _server.Table.Seen(peer, _time.GetUtcNow());
            first = before == 0 && _server.Table.Count == 1;
            if (questionable is not null && (_time.GetUtcNow() - questionable.LastSeen < _options.QuestionableAfter || _pinged.Count >= MaxPings || !_pinged.Add(questionable.Peer)))
            {
                questionable = null;
            }
        }

        if (questionable is not null)
        {
            _ = ProbeAsync(questionable.Peer);
        }

        return first;
    }

    /// <summary>Where a query for a key begins: the closest of the table, filled up with connected peers that serve the protocol.</summary>
    public IReadOnlyList<PeerId> Seeds(ReadOnlySpan<byte> key)
    {
        var target = DhtKey.Of(key);
        var closest = Locked(s => s.Table.Closest(target, _options.K));
        if (closest.Count >= _options.K)
        {
            return closest;
        }

        var connected = _switch.ConnectedPeers.Where(p => _switch.Find(p)?.Protocols.Contains(_options.ProtocolId) == true);
        return [.. closest.Concat(connected).Distinct().Take(_options.K)];
    }

    /// <summary>A lookup that asks every peer the same.</summary>
    public KademliaLookup Lookup(ReadOnlyMemory<byte> key, Func<Message> request)
    {
        var message = request();
        return new KademliaLookup(new KademliaQuery(DhtKey.Of(key.Span), Self, _limits, _time.GetUtcNow()), AskAsync, _time);

        async Task<LookupReply?> AskAsync(PeerId peer, CancellationToken cancellationToken)
        {
            if (await RequestAsync(peer, message, cancellationToken).ConfigureAwait(false) is not { } reply)
            {
                return null;
            }

            var closer = Learn(reply.CloserPeers, _options.K);
            return new LookupReply(peer, reply, [.. closer.Select(p => p.Peer)]);
        }
    }

    /// <summary>The closest peers to a key that answer.</summary>
    public async Task<IReadOnlyList<PeerId>> ClosestAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var lookup = Lookup(key, () => KademliaMessages.FindNode(key.Span));
        var result = await lookup.RunAsync(Seeds(key.Span), null, cancellationToken).ConfigureAwait(false);
        return result.Closest;
    }

    /// <summary>Sends a request and notes what it says about the peer; null without a good answer.</summary>
    public async Task<Message?> RequestAsync(PeerId peer, Message message, CancellationToken cancellationToken) =>
        Note(peer, await _messenger.RequestAsync(peer, message, cancellationToken).ConfigureAwait(false));

    /// <summary>Sends a message that has no answer; false when the peer did not take it.</summary>
    public async Task<bool> SendAsync(PeerId peer, Message message, CancellationToken cancellationToken) =>
        Note(peer, await _messenger.SendAsync(peer, message, cancellationToken).ConfigureAwait(false)) is not null;

    /// <summary>Reads the peers of a message and remembers their addresses for dialling.</summary>
    public IReadOnlyList<PeerAddresses> Learn(RepeatedField<Message.Types.Peer> peers, int max)
    {
        var read = KademliaMessages.FromWire(peers, max, _options.MaxAddressesPerPeer);
        foreach (var peer in read)
        {
            if (peer.Peer != Self && peer.Addresses.Count > 0)
            {
                _switch.AddAddresses(peer.Peer, peer.Addresses);
            }
        }

        return read;
    }

    /// <summary>Stops what goes on in the background.</summary>
    public Task StopAsync() => _stopping.CancelAsync();

    private Message? Note(PeerId peer, Outcome outcome)
    {
        if (outcome.Reply is not null)
        {
            Seen(peer);
        }
        else if (outcome.Silent)
        {
            Locked(s => s.Table = IsConnected(peer) ? s.Table.Failed(peer) : s.Table.Removed(peer));
            _logger.LogDebug("Kademlia peer {Peer} did not answer.", peer);
        }

        return outcome.Reply;
    }

    private async Task ProbeAsync(PeerId peer)
    {
        try
        {
            if (await RequestAsync(peer, KademliaMessages.Ping(), _stopping.Token).ConfigureAwait(false) is null)
            {
                Locked(s => s.Table = s.Table.Removed(peer));
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The service stops.
        }
        finally
        {
            Locked(_ => _pinged.Remove(peer));
        }
    }
}
