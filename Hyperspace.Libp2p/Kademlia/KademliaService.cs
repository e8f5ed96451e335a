using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Google.Protobuf;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// libp2p's Kademlia DHT (libp2p/specs kad-dht) over a switch: keeps a routing table of peers that serve the protocol,
/// answers requests (in server mode), and looks things up. What this peer knows itself is always consulted first, so
/// that a network of one works and answers at once.
/// </summary>
public sealed class KademliaService : IContentRouting, IAsyncDisposable
{
    private readonly KademliaNode _node;
    private readonly KademliaMaintenance _maintenance;
    private readonly KademliaInbound _inbound;
    private readonly ISwitch _switch;
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly IDisposable _observing;
    private readonly Lock _modeGate = new();
    private int _disposed;

    /// <summary>Joins the DHT over <paramref name="switch"/>: peers that it meets come into the routing table by themselves.</summary>
    /// <param name="switch">The switch.</param>
    /// <param name="options">Settings; null for the defaults, which know no record namespace.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Chooses keys to refresh buckets with; used by one thread at a time.</param>
    /// <param name="store">Where the routing table outlives the process; null for nowhere.</param>
    /// <param name="logger">The log.</param>
    public KademliaService(
        ISwitch @switch,
        KademliaOptions? options = null,
        TimeProvider? time = null,
        Random? random = null,
        IRoutingTableStore? store = null,
        ILogger<KademliaService>? logger = null)
    {
        _switch = @switch;
        _options = options ?? new KademliaOptions();
        _time = time ?? TimeProvider.System;
        ILogger log = logger ?? NullLogger<KademliaService>.Instance;
        _node = new KademliaNode(@switch, _options, _time, log);
        _maintenance = new KademliaMaintenance(_node, _options, store, _time, random ?? new Random(), log);
        _inbound = new KademliaInbound(_node, _options, _time, log);
        if (_options.Mode == KademliaMode.Server)
        {
            Serve(true);
        }

        _observing = @switch.Observe(new Observer(this));
        _maintenance.Start(_stopping.Token);
    }

    /// <summary>Rounds of refreshing the table and announcing what is due that were completed.</summary>
    internal int Refreshes => _maintenance.Rounds;

    /// <summary>
    /// Server or client; may change at any time, and others hear of it through Identify: a client stands in no routing
    /// table. What a client held as a server stays here, and counts again when it comes back.
    /// </summary>
    public KademliaMode Mode
    {
        get => _inbound.Serves ? KademliaMode.Server : KademliaMode.Client;
        set
        {
            lock (_modeGate)
            {
                if (value != Mode)
                {
                    Serve(value == KademliaMode.Server);
                }
            }
        }
    }

    /// <inheritdoc/>
    public int RoutingTableSize => _node.Locked(s => s.Table.Count);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The key is no SHA-256 multihash.</exception>
    public async Task<int> ProvideAsync(ReadOnlyMemory<byte> multihash, CancellationToken cancellationToken = default)
    {
        ThrowIfNoMultihash(multihash.Span);
        using var stop = Linked(cancellationToken);
        _node.Locked(s => s.SetProvided(multihash.Span, true));
        return await _maintenance.AnnounceProviderAsync(multihash, stop.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Unprovide(ReadOnlyMemory<byte> multihash)
    {
        _node.Locked(s => s.SetProvided(multihash.Span, false));
        _maintenance.Forget(multihash);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The key is no SHA-256 multihash.</exception>
    public async IAsyncEnumerable<PeerAddresses> FindProvidersAsync(ReadOnlyMemory<byte> multihash, int limit, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ThrowIfNoMultihash(multihash.Span);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var seen = new HashSet<PeerId>();
        foreach (var provider in _node.Locked(s => s.ProvidersOf(multihash.Span, _time.GetUtcNow())))
        {
            if (seen.Count < limit && seen.Add(provider.Peer))
            {
                yield return provider;
            }
        }

        if (seen.Count >= limit)
        {
            yield break;
        }

        await foreach (var provider in Streamed<PeerAddresses>(SearchAsync, cancellationToken).ConfigureAwait(false))
        {
            yield return provider;
        }

        // What it writes is bounded by limit: the search stops there.
        Task SearchAsync(ChannelWriter<PeerAddresses> found, CancellationToken stop)
        {
            return _node.LookupAsync(multihash, KademliaMessages.GetProviders(multihash.Span), null, Collect, stop);

            void Collect(LookupReply reply, KademliaLookup lookup)
            {
                foreach (var provider in _node.Learn(reply.Message.ProviderPeers, _options.MaxProvidersPerKey))
                {
                    if (seen.Count < limit && provider.Peer != _node.Self && seen.Add(provider.Peer))
                    {
                        found.TryWrite(provider);
                    }
                }

                if (seen.Count >= limit)
                {
                    lookup.Stop();
                }
            }
        }
    }

    /// <inheritdoc/>
    public async Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        using var stop = Linked(cancellationToken);
        var (held, refusal) = _node.Locked(s => s.Put(key, value, null, _time.GetUtcNow()));
        if (refusal is not null)
        {
            throw new ArgumentException(refusal, nameof(value));
        }

        if (!held.Span.SequenceEqual(value.Span))
        {
            throw new ArgumentException("A better value for the key is held already; get it and put one that supersedes it.", nameof(value));
        }

        return await _maintenance.AnnounceRecordAsync(key, stop.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>?> GetValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        using var stop = Linked(cancellationToken);
        return ValueSearch.For(key, _node, _maintenance, _options, _time) is { } search
            ? await search.RunAsync(null, stop.Token).ConfigureAwait(false)
            : null;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> SearchValueAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        // What it writes is bounded by the query: at most one value per answer.
        return Streamed<ReadOnlyMemory<byte>>(
            async (found, stop) =>
            {
                if (ValueSearch.For(key, _node, _maintenance, _options, _time) is { } search)
                {
                    await search.RunAsync(value => found.TryWrite(value), stop).ConfigureAwait(false);
                }
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<PeerAddresses?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        if (peer == _node.Self || IsReached())
        {
            return Known();
        }

        using var stop = Linked(cancellationToken);
        await _node.LookupAsync(peer.Bytes, KademliaMessages.FindNode(peer.Bytes.Span), null, Check, stop.Token).ConfigureAwait(false);
        return Known();

        PeerAddresses? Known() => _node.AddressesOf(peer) is var addresses && (addresses.Count > 0 || peer == _node.Self || _node.IsConnected(peer))
            ? new PeerAddresses(peer, addresses)
            : null;

        // A peer that has just dialed this one has told no address yet.
        bool IsReached() => _node.IsConnected(peer) && _node.AddressesOf(peer).Count > 0;

        // Others may name any address; that the peer itself answers proves one. It is asked next, being the closest.
        void Check(LookupReply reply, KademliaLookup lookup)
        {
            if (IsReached())
            {
                lookup.Stop();
            }
            else if (reply.Closer.Contains(peer))
            {
                lookup.StopAfter(_options.Patience);
            }
        }
    }

    /// <summary>Stops answering, looking up and announcing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _observing.Dispose();
            await _stopping.CancelAsync().ConfigureAwait(false);
            await _maintenance.Completion.ConfigureAwait(false);
            await _maintenance.SaveAsync().ConfigureAwait(false);
            await _node.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void ThrowIfNoMultihash(ReadOnlySpan<byte> multihash)
    {
        if (multihash.Length != 34 || multihash[0] != 0x12 || multihash[1] != 0x20)
        {
            throw new ArgumentException("A provider key is a SHA-256 multihash: 12 20 and 32 bytes.", nameof(multihash));
        }
    }

    private void Serve(bool serves)
    {
        _inbound.Serves = serves;
        if (serves)
        {
            _switch.Handle(_options.ProtocolId, _inbound.ServeAsync, _options.MaxInboundStreamsPerPeer);
        }
        else
        {
            _switch.Unhandle(_options.ProtocolId);
        }
    }

    /// <summary>What a search finds while it runs; it is abandoned when nobody reads on.</summary>
    private async IAsyncEnumerable<T> Streamed<T>(Func<ChannelWriter<T>, CancellationToken, Task> search, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = Linked(cancellationToken);
        var found = Channel.CreateUnbounded<T>();
        var searching = SearchAsync();
        try
        {
            await foreach (var item in found.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return item;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await searching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task SearchAsync()
        {
            try
            {
                await search(found.Writer, stop.Token).ConfigureAwait(false);
                found.Writer.TryComplete();
            }
            catch (Exception e)
            {
                found.Writer.TryComplete(e);
            }
        }
    }

    private CancellationTokenSource Linked(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
    }

    private sealed class Observer(KademliaService owner) : ISwitchObserver
    {
        public void PeerIdentified(PeerRecord peer)
        {
            if (peer.Protocols.Contains(owner._options.ProtocolId) && owner._node.Seen(peer.Peer))
            {
                owner._maintenance.Wake();
            }
        }

        public void PeerUpdated(PeerRecord peer)
        {
            PeerIdentified(peer);
            if (!peer.Protocols.Contains(owner._options.ProtocolId))
            {
                owner._node.Locked(s => s.Table = s.Table.Removed(peer.Peer));
            }
        }

        // A peer that is away may be dialled again: it stays until it fails to answer.
        public void PeerDisconnected(PeerId peer)
        {
        }
    }
}
