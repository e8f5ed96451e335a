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
    private readonly KademliaOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly IDisposable _observing;
    private int _disposed;

    /// <summary>Joins the DHT over <paramref name="switch"/>: peers that it meets come into the routing table by themselves.</summary>
    /// <param name="switch">The switch.</param>
    /// <param name="options">Settings; null for the defaults, which know no record namespace.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Chooses keys to refresh buckets with; used by one thread at a time.</param>
    /// <param name="logger">The log.</param>
    public KademliaService(ISwitch @switch, KademliaOptions? options = null, TimeProvider? time = null, Random? random = null, ILogger<KademliaService>? logger = null)
    {
        _options = options ?? new KademliaOptions();
        _time = time ?? TimeProvider.System;
        ILogger log = logger ?? NullLogger<KademliaService>.Instance;
        _node = new KademliaNode(@switch, _options, _time, log);
        _maintenance = new KademliaMaintenance(_node, _options, _time, random ?? new Random(), log);
        if (_options.Mode == KademliaMode.Server)
        {
            var inbound = new KademliaInbound(_node, _options, _time, log);
            @switch.Handle(_options.ProtocolId, inbound.ServeAsync, _options.MaxInboundStreamsPerPeer);
        }

        _observing = @switch.Observe(new Observer(this));
        _maintenance.Start(_stopping.Token);
    }

    /// <summary>Rounds of refreshing the table and announcing what is due that were completed.</summary>
    internal int Refreshes => _maintenance.Rounds;

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

        using var stop = Linked(cancellationToken);

        // Bounded by limit: the search stops there.
        var found = Channel.CreateUnbounded<PeerAddresses>();
        var search = SearchAsync();
        try
        {
            await foreach (var provider in found.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return provider;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await search.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task SearchAsync()
        {
            try
            {
                var lookup = _node.Lookup(multihash, () => KademliaMessages.GetProviders(multihash.Span));
                await lookup.RunAsync(_node.Seeds(multihash.Span), Collect, stop.Token).ConfigureAwait(false);
                found.Writer.TryComplete();

                void Collect(LookupReply reply)
                {
                    foreach (var provider in _node.Learn(reply.Message.ProviderPeers, _options.MaxProvidersPerKey))
                    {
                        if (seen.Count < limit && provider.Peer != _node.Self && seen.Add(provider.Peer))
                        {
                            found.Writer.TryWrite(provider);
                        }
                    }

                    if (seen.Count >= limit)
                    {
                        lookup.Stop();
                    }
                }
            }
            catch (Exception e)
            {
                found.Writer.TryComplete(e);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<int> PutValueAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        using var stop = Linked(cancellationToken);
        var (held, refusal) = _node.Locked(s => s.Put(key, value, _time.GetUtcNow(), pinned: true));
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
        if (_node.Locked(s => s.ValidatorOf(key.Span)) is not { } validator || key.Length > _options.MaxKeyBytes)
        {
            return null;
        }

        using var stop = Linked(cancellationToken);
        var own = _node.Locked(s => s.Records.Get(key.Span, _time.GetUtcNow()))?.Value;
        var best = own;
        var heldBy = new List<(PeerId Peer, ReadOnlyMemory<byte>? Value)>();
        var lookup = _node.Lookup(key, () => KademliaMessages.GetValue(key.Span));
        await lookup.RunAsync(_node.Seeds(key.Span), Collect, stop.Token).ConfigureAwait(false);
        Correct();
        return best;

        void Collect(LookupReply reply)
        {
            // A bare null would become an empty value here.
            var value = reply.Message.Record is { } r && r.Key.Span.SequenceEqual(key.Span) ? r.Value.Memory : default(ReadOnlyMemory<byte>?);
            heldBy.Add((reply.Peer, value));
            if (value is not { } v || v.Length > _options.MaxRecordBytes || !validator.IsValid(key.Span, v.Span))
            {
                return;
            }

            best = best is not { } b || (!b.Span.SequenceEqual(v.Span) && validator.Select(key.Span, [b, v]) == 1) ? v : best;
            if (heldBy.Count(h => h.Value is not null) >= _options.Quorum)
            {
                lookup.Stop();
            }

            lookup.StopAfter(_options.Patience);
        }

        // Holders of something worse get the best, so that the next one to ask finds it sooner.
        void Correct()
        {
            if (best is not { } b)
            {
                return;
            }

            if (own is { } o && !o.Span.SequenceEqual(b.Span))
            {
                _node.Locked(s => s.Put(key, b, _time.GetUtcNow()));
            }

            var stale = heldBy.Where(h => h.Value is { } v && !v.Span.SequenceEqual(b.Span)).Select(h => h.Peer).ToList();
            _maintenance.Correct(key, b, stale);
        }
    }

    /// <inheritdoc/>
    public async Task<PeerAddresses?> FindPeerAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        if (peer == _node.Self || IsReached())
        {
            return Known();
        }

        using var stop = Linked(cancellationToken);
        var lookup = _node.Lookup(peer.Bytes, () => KademliaMessages.FindNode(peer.Bytes.Span));
        await lookup.RunAsync(_node.Seeds(peer.Bytes.Span), Check, stop.Token).ConfigureAwait(false);
        return Known();

        PeerAddresses? Known() => _node.AddressesOf(peer) is var addresses && (addresses.Count > 0 || peer == _node.Self || _node.IsConnected(peer))
            ? new PeerAddresses(peer, addresses)
            : null;

        // A peer that has just dialed this one has told no address yet.
        bool IsReached() => _node.IsConnected(peer) && _node.AddressesOf(peer).Count > 0;

        // Others may name any address; that the peer itself answers proves one. It is asked next, being the closest.
        void Check(LookupReply reply)
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
            await _node.StopAsync().ConfigureAwait(false);
        }
    }

    private static void ThrowIfNoMultihash(ReadOnlySpan<byte> multihash)
    {
        if (multihash.Length != 34 || multihash[0] != 0x12 || multihash[1] != 0x20)
        {
            throw new ArgumentException("A provider key is a SHA-256 multihash: 12 20 and 32 bytes.", nameof(multihash));
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
