using System.Security.Cryptography;
using System.Threading.Channels;
using Hyperspace.Libp2p.ContentRouting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// What keeps the table and this peer's announcements fresh: a self-lookup when the first peer is met and at every
/// refresh, lookups in the occupied buckets, pings of peers not seen for long, and announcements again when they are due
/// or had found too few takers. Peers that were saved are verified at the start, and saved after each round.
/// </summary>
internal sealed class KademliaMaintenance(KademliaNode node, KademliaOptions options, IRoutingTableStore? store, TimeProvider time, Random random, ILogger logger)
{
    /// <summary>Buckets beyond this prefix hold next to nobody, and a key that falls into them is costly to find.</summary>
    private const int MaxRefreshedPrefix = 12;

    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _gate = new();
    private readonly Dictionary<DhtKey, Announcement> _announcements = [];
    private CancellationToken _stopping;

    /// <summary>Rounds of refreshing and announcing that were completed.</summary>
    public int Rounds { get; private set; }

    /// <summary>Ends after the start's token was cancelled.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the loop.</summary>
    public void Start(CancellationToken stopping)
    {
        _stopping = stopping;
        Completion = Task.WhenAll(Task.Run(LoopAsync, CancellationToken.None), Task.Run(() => RunAsync(RestoreAsync), CancellationToken.None));
    }

    /// <summary>The first peer was met: look around and announce now.</summary>
    public void Wake() => _wake.Writer.TryWrite(false);

    /// <summary>Announces that this peer provides a key, now and from time to time. Returns how many took it.</summary>
    public Task<int> AnnounceProviderAsync(ReadOnlyMemory<byte> multihash, CancellationToken cancellationToken) =>
        AnnounceAsync(new Announcement(multihash.ToArray(), IsRecord: false), cancellationToken);

    /// <summary>Puts the record that is held here under a key to the closest peers, now and from time to time. Returns how many took it.</summary>
    public Task<int> AnnounceRecordAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) =>
        AnnounceAsync(new Announcement(key.ToArray(), IsRecord: true), cancellationToken);

    /// <summary>Announces a key no longer.</summary>
    public void Forget(ReadOnlyMemory<byte> key)
    {
        lock (_gate)
        {
            _announcements.Remove(DhtKey.Of(key.Span));
        }
    }

    /// <summary>Puts a record to peers that hold a worse one, in the background.</summary>
    public void Correct(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, IReadOnlyList<PeerId> stale)
    {
        if (stale.Count > 0)
        {
            _ = RunAsync(() => PutAsync(key, value, stale, _stopping));
        }
    }

    private async Task LoopAsync()
    {
        using var timer = time.CreateTimer(_ => _wake.Writer.TryWrite(true), null, options.RefreshInterval, options.RefreshInterval);
        await RunAsync(async () =>
        {
            await foreach (var periodic in _wake.Reader.ReadAllAsync(_stopping).ConfigureAwait(false))
            {
                await RefreshAsync(periodic).ConfigureAwait(false);
                await AnnounceDueAsync().ConfigureAwait(false);
                await SaveAsync().ConfigureAwait(false);
                Rounds++;
            }
        }).ConfigureAwait(false);
    }

    private async Task RestoreAsync()
    {
        if (store is null)
        {
            return;
        }

        IReadOnlyList<PeerAddresses> saved = [];
        try
        {
            saved = await store.LoadAsync(_stopping).ConfigureAwait(false) is { } bytes ? RoutingTableSnapshot.Decode(bytes) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("The saved routing table cannot be read: {Why}. The peers come back as they are met.", e.Message);
        }

        // Old addresses may be anybody's: who does not answer does not count.
        await Parallel.ForEachAsync(
            saved,
            new ParallelOptions { MaxDegreeOfParallelism = options.Alpha, CancellationToken = _stopping },
            async (peer, token) =>
            {
                // The first and the last of them are occasion to look around.
                if (await node.VerifyAsync(peer, token).ConfigureAwait(false) && node.Locked(s => s.Table.Count) == 1)
                {
                    Wake();
                }
            }).ConfigureAwait(false);
        if (node.Locked(s => s.Table.Count) > 1)
        {
            Wake();
        }
    }

    /// <summary>Saves the table, unless it is empty: who lost everybody needs those it knew before.</summary>
    public async Task SaveAsync()
    {
        if (store is null || node.Known(RoutingTableSnapshot.MaxPeers) is not { Count: > 0 } peers)
        {
            return;
        }

        try
        {
            await store.SaveAsync(RoutingTableSnapshot.Encode(peers), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("The routing table cannot be saved: {Why}. The peer runs on.", e.Message);
        }
    }

    private async Task RefreshAsync(bool periodic)
    {
        node.Locked(s => s.Expire(time.GetUtcNow()));
        foreach (var peer in node.Seeds(node.Self.Bytes.Span))
        {
            node.Seen(peer);
        }

        await node.ClosestAsync(node.Self.Bytes, _stopping).ConfigureAwait(false);
        if (!periodic)
        {
            return;
        }

        await node.ProbeStaleAsync().ConfigureAwait(false);

        foreach (var bucket in node.Locked(s => s.Table.OccupiedBuckets.TakeWhile(b => b <= MaxRefreshedPrefix).ToList()))
        {
            await node.ClosestAsync(KeyInBucket(bucket), _stopping).ConfigureAwait(false);
        }
    }

    // The form of a peer id, since others may take what is sought for one.
    private byte[] KeyInBucket(int prefix)
    {
        var self = DhtKey.Of(node.Self);
        var key = node.Self.Bytes.ToArray();
        do
        {
            random.NextBytes(key.AsSpan(^SHA256.HashSizeInBytes));
        }
        while (self.CommonPrefixLength(DhtKey.Of(key)) != prefix);

        return key;
    }

    private async Task AnnounceDueAsync()
    {
        var reachable = Math.Min(options.K, node.Locked(s => s.Table.Count));
        List<Announcement> due;
        lock (_gate)
        {
            due = [.. _announcements.Values.Where(a => a.Takers < reachable || time.GetUtcNow() - a.At >= options.RepublishInterval)];
        }

        foreach (var announcement in due)
        {
            await SendAsync(announcement, _stopping).ConfigureAwait(false);
        }
    }

    private Task<int> AnnounceAsync(Announcement announcement, CancellationToken cancellationToken)
    {
        announcement.At = time.GetUtcNow();
        lock (_gate)
        {
            _announcements[DhtKey.Of(announcement.Key)] = announcement;
        }

        return SendAsync(announcement, cancellationToken);
    }

    private async Task<int> SendAsync(Announcement announcement, CancellationToken cancellationToken)
    {
        var closest = await node.ClosestAsync(announcement.Key, cancellationToken).ConfigureAwait(false);
        announcement.At = time.GetUtcNow();
        announcement.Takers = announcement.IsRecord
            ? await PutHeldAsync(announcement.Key, closest, cancellationToken).ConfigureAwait(false)
            : await ProvideAsync(announcement.Key, closest, cancellationToken).ConfigureAwait(false);
        return announcement.Takers;
    }

    private async Task<int> ProvideAsync(byte[] multihash, IReadOnlyList<PeerId> peers, CancellationToken cancellationToken)
    {
        var message = KademliaMessages.AddProvider(multihash, new PeerAddresses(node.Self, node.AddressesOf(node.Self)));
        var taken = await Task.WhenAll(peers.Select(p => node.SendAsync(p, message, cancellationToken))).ConfigureAwait(false);
        return taken.Count(t => t);
    }

    // What is held now: it may have been superseded since it was put.
    private Task<int> PutHeldAsync(byte[] key, IReadOnlyList<PeerId> peers, CancellationToken cancellationToken) =>
        node.Locked(s => s.Held(key, time.GetUtcNow())) is { } held
            ? PutAsync(key, held.Value, peers, cancellationToken)
            : Task.FromResult(0);

    private async Task<int> PutAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, IReadOnlyList<PeerId> peers, CancellationToken cancellationToken)
    {
        var message = KademliaMessages.PutValue(key.Span, value.Span, time.GetUtcNow());
        var replies = await Task.WhenAll(peers.Select(p => node.RequestAsync(p, message, cancellationToken))).ConfigureAwait(false);
        return replies.Count(r => r?.Record?.Value.Span.SequenceEqual(value.Span) == true);
    }

    private async Task RunAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The service stops.
        }
        catch (Exception e)
        {
            logger.LogError(e, "Kademlia's maintenance failed; this is a bug.");
        }
    }

    private sealed record Announcement(byte[] Key, bool IsRecord)
    {
        public DateTimeOffset At { get; set; }

        public int Takers { get; set; }
    }
}
