using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>How sure it is that an address is a peer's, surest last.</summary>
internal enum AddressSource
{
    /// <summary>A third party said so.</summary>
    Heard,

    /// <summary>The peer said so over a secured connection, unsigned.</summary>
    Told,

    /// <summary>It stands in the peer's newest signed record.</summary>
    Certified,

    /// <summary>The peer answered there.</summary>
    Confirmed,
}

/// <summary>
/// What is known of peers, bounded: the longest untouched peer that is not connected is forgotten first, and of a peer the least sure, then
/// the longest unseen address. Addresses of peers that are not connected expire. A signed record replaces what its peer said before and
/// silences unsigned addresses; an older one changes nothing.
/// </summary>
internal sealed class PeerStore(int maxPeers, int maxAddresses, TimeSpan addressTtl, TimeProvider time, Func<PeerId, bool> isConnected)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, LinkedListNode<Entry>> _index = [];
    private readonly LinkedList<Entry> _byUse = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _index.Count;
            }
        }
    }

    public PeerRecord? Find(PeerId peer)
    {
        lock (_gate)
        {
            return _index.TryGetValue(peer, out var node) ? View(node.Value) : null;
        }
    }

    /// <summary>Up to so many peers, most recently touched first, to be given to <see cref="AddAddresses"/> after a restart.</summary>
    public IReadOnlyList<PeerRecord> Snapshot(int max)
    {
        lock (_gate)
        {
            return [.. _byUse.Select(View).Where(r => r.Addresses.Count > 0).Take(max)];
        }
    }

    /// <summary>Third parties name addresses; those that were not known yet come first.</summary>
    public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses)
    {
        lock (_gate)
        {
            var entry = Touch(peer);
            See(entry, addresses, AddressSource.Heard);
        }
    }

    /// <summary>The peer answered at an address.</summary>
    public void Confirm(PeerId peer, Multiaddr address)
    {
        lock (_gate)
        {
            See(Touch(peer), [address], AddressSource.Confirmed);
        }
    }

    /// <summary>The peer identified itself.</summary>
    public (PeerRecord Record, bool Changed) Learn(PeerId peer, IdentifyMessage message)
    {
        lock (_gate)
        {
            var entry = Touch(peer);
            var before = View(entry);
            entry.Protocols = message.Protocols;
            entry.AgentVersion = message.AgentVersion ?? entry.AgentVersion;
            if (message.RecordSequence is { } sequence ? sequence >= entry.Sequence : entry.Sequence == 0)
            {
                entry.Sequence = message.RecordSequence ?? 0;
                entry.SignedRecord = message.SealedRecord;
                entry.Addresses.RemoveAll(a => a.Source is AddressSource.Told or AddressSource.Certified);
                See(entry, message.ListenAddresses, message.RecordSequence is null ? AddressSource.Told : AddressSource.Certified);
            }

            var after = View(entry);
            return (after, !before.Protocols.SequenceEqual(after.Protocols) || !before.Addresses.ToHashSet().SetEquals(after.Addresses));
        }
    }

    /// <summary>What is known of a peer, which is remembered from now on.</summary>
    public PeerRecord Remember(PeerId peer)
    {
        lock (_gate)
        {
            return View(Touch(peer));
        }
    }

    private Entry Touch(PeerId peer)
    {
        if (_index.TryGetValue(peer, out var node))
        {
            _byUse.Remove(node);
        }
        else
        {
            node = new LinkedListNode<Entry>(new Entry(peer));
            _index.Add(peer, node);
            Forget();
        }

        _byUse.AddFirst(node);
        Expire(node.Value);
        return node.Value;
    }

    private void See(Entry entry, IEnumerable<Multiaddr> addresses, AddressSource source)
    {
        var known = entry.Addresses.ToDictionary(a => a.Address);
        var expires = time.GetUtcNow() + addressTtl;
        var seen = addresses.Select(a => a.WithoutPeer()).Distinct().Take(maxAddresses)
            .Select(a => new Known(a, known.Remove(a, out var old) && old.Source > source ? old.Source : source, expires));
        List<Known> next = [.. seen];
        next.AddRange(entry.Addresses.Where(a => known.ContainsKey(a.Address)));
        while (next.Count > maxAddresses)
        {
            var least = next.Min(a => a.Source);
            next.RemoveAt(next.FindLastIndex(a => a.Source == least));
        }

        entry.Addresses = next;
    }

    private PeerRecord View(Entry entry)
    {
        Expire(entry);
        return new PeerRecord(entry.Peer, [.. entry.Addresses.Select(a => a.Address)], entry.Protocols, entry.AgentVersion) { SignedRecord = entry.SignedRecord };
    }

    private void Expire(Entry entry)
    {
        var now = time.GetUtcNow();
        if (entry.Addresses.Exists(a => a.ExpiresAt <= now) && !isConnected(entry.Peer))
        {
            entry.Addresses.RemoveAll(a => a.ExpiresAt <= now);
            if (!entry.Addresses.Exists(a => a.Source == AddressSource.Certified))
            {
                (entry.Sequence, entry.SignedRecord) = (0, null);
            }
        }
    }

    private void Forget()
    {
        for (var node = _byUse.Last; node is not null && _index.Count > maxPeers;)
        {
            var previous = node.Previous;
            if (!isConnected(node.Value.Peer))
            {
                _index.Remove(node.Value.Peer);
                _byUse.Remove(node);
            }

            node = previous;
        }
    }

    private sealed record Known(Multiaddr Address, AddressSource Source, DateTimeOffset ExpiresAt);

    private sealed class Entry(PeerId peer)
    {
        public PeerId Peer { get; } = peer;

        /// <summary>Most recently seen first.</summary>
        public List<Known> Addresses { get; set; } = [];

        public IReadOnlyList<string> Protocols { get; set; } = [];

        public string? AgentVersion { get; set; }

        /// <summary>The newest signed record's sequence number, 0 before one came.</summary>
        public ulong Sequence { get; set; }

        /// <summary>That record in its envelope, unless it is too long to pass on.</summary>
        public byte[]? SignedRecord { get; set; }
    }
}
