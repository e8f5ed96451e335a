using Google.Protobuf.Collections;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Multiformats;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>The pure server's state behind a lock, and the requests whose outcomes change its routing table.</summary>
internal sealed class KademliaNode : IAsyncDisposable
{
    private const int MaxPings = 4;
    private const int MaxStale = 32;
    private readonly Lock _gate = new();
    private readonly ISwitch _switch;
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly KademliaMessenger _messenger;
    private readonly KademliaServer _server;
    private readonly QueryLimits _limits;
    private readonly SemaphoreSlim _queries;
    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<PeerId> _pinged = [];

    public KademliaNode(ISwitch @switch, KademliaOptions options, TimeProvider time, ILogger logger)
    {
        (_switch, _options, _time, _logger) = (@switch, options, time, logger);
        _messenger = new KademliaMessenger(@switch, options, time);
        _server = new KademliaServer(@switch.LocalPeer, options, AddressesOf);
        _queries = new SemaphoreSlim(options.MaxConcurrentQueries);
        _limits = new QueryLimits { K = options.K, Alpha = options.Alpha, DisjointPaths = options.DisjointPaths, RpcTimeout = options.RpcTimeout, QueryTimeout = options.QueryTimeout };
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
        var group = _switch.RemoteIpsOf(peer) is [var ip, ..] ? AddressBlock.Of(ip) : null;
        lock (_gate)
        {
            if (_server.Offences.IsShunned(peer, _time.GetUtcNow()))
            {
                return false;
            }

            var before = _server.Table.Count;
            (_server.Table, _, questionable) = _server.Table.Seen(peer, group, _time.GetUtcNow());
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

    /// <summary>Runs a query that asks every peer the same, once there is room for it.</summary>
    /// <param name="key">What is sought.</param>
    /// <param name="request">What to ask.</param>
    /// <param name="isGood">False for an answer that is held against the peer and goes no further; null takes all. Called by many threads.</param>
    /// <param name="onReply">Sees every good answer, one at a time, before the query goes on.</param>
    /// <param name="cancellationToken">Abandons the query.</param>
    public async Task<LookupResult> LookupAsync(ReadOnlyMemory<byte> key, Message request, Func<Message, bool>? isGood, Action<LookupReply, KademliaLookup>? onReply, CancellationToken cancellationToken)
    {
        await _queries.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var lookup = new KademliaLookup(new KademliaQuery(DhtKey.Of(key.Span), Self, _limits, _time.GetUtcNow()), AskAsync, _time);
            return await lookup.RunAsync(Seeds(key.Span), reply => onReply?.Invoke(reply, lookup), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _queries.Release();
        }

        async Task<LookupReply?> AskAsync(PeerId peer, CancellationToken cancellationToken)
        {
            if (Locked(s => s.Offences.IsShunned(peer, _time.GetUtcNow())) || await RequestAsync(peer, request, cancellationToken).ConfigureAwait(false) is not { } reply)
            {
                return null;
            }

            if (isGood?.Invoke(reply) == false)
            {
                _logger.LogDebug("Kademlia peer {Peer} returned a record that is not valid.", peer);
                Locked(s => s.Offend(peer, _time.GetUtcNow()));
                return null;
            }

            var closer = Learn(reply.CloserPeers, _options.K);
            if (closer.Count > 0)
            {
                Locked(s => s.Table = s.Table.Useful(peer, _time.GetUtcNow()));
            }

            return new LookupReply(peer, reply, [.. closer.Select(p => p.Peer)]);
        }
    }

    /// <summary>The closest peers to a key that answer.</summary>
    public async Task<IReadOnlyList<PeerId>> ClosestAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        var result = await LookupAsync(key, KademliaMessages.FindNode(key.Span), null, null, cancellationToken).ConfigureAwait(false);
        return result.Closest;
    }

    /// <summary>Asks whether a peer at these addresses serves the protocol; if it does, it comes into the table.</summary>
    public async Task<bool> VerifyAsync(PeerAddresses peer, CancellationToken cancellationToken)
    {
        if (peer.Peer == Self)
        {
            return false;
        }

        _switch.AddAddresses(peer.Peer, peer.Addresses);
        return await RequestAsync(peer.Peer, KademliaMessages.Ping(), cancellationToken).ConfigureAwait(false) is not null;
    }

    /// <summary>Pings peers of the table that were not seen for long, the longest first; those who do not answer are dropped.</summary>
    public Task ProbeStaleAsync()
    {
        var now = _time.GetUtcNow();
        var stale = Locked(s => s.Table.Entries.Where(e => now - e.LastSeen >= _options.QuestionableAfter && !_pinged.Contains(e.Peer)).OrderBy(e => e.LastSeen).Take(MaxStale).ToList());
        Locked(_ => stale.ForEach(e => _pinged.Add(e.Peer)));
        return Task.WhenAll(stale.Select(e => ProbeAsync(e.Peer)));
    }

    /// <summary>Peers of the table with their addresses, the most useful of late first.</summary>
    public IReadOnlyList<PeerAddresses> Known(int max) =>
    [
        .. Locked(s => s.Table.Entries.ToList())
            .OrderByDescending(e => e.LastUseful)
            .ThenByDescending(e => e.LastSeen)
            .Select(e => new PeerAddresses(e.Peer, [.. AddressesOf(e.Peer).Take(_options.MaxAddressesPerPeer)]))
            .Where(p => p.Addresses.Count > 0)
            .Take(max),
    ];

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

    /// <summary>Stops what goes on in the background and closes the streams that lie idle.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _messenger.DisposeAsync().ConfigureAwait(false);
    }

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
