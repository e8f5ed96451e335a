using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// The live connections, several per peer when two peers dialed each other. Each time that a peer becomes connected
/// starts a new epoch, so that observers hear of every going and coming even when they follow each other closely.
/// A peer that only a limited connection leads to does not count as connected: what runs above cannot be used there.
/// </summary>
internal sealed class ConnectionTable(int max, int maxPerPeer)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, Entry> _peers = [];
    private int _count;
    private long _lastEpoch;

    /// <summary>Peers with a live connection that is not limited.</summary>
    public IReadOnlyCollection<PeerId> Peers
    {
        get
        {
            lock (_gate)
            {
                return [.. _peers.Where(p => p.Value.Epoch != 0).Select(p => p.Key)];
            }
        }
    }

    /// <summary>All live connections.</summary>
    public IReadOnlyCollection<PeerConnection> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _peers.Values.SelectMany(e => e.Connections)];
            }
        }
    }

    /// <summary>Adds a connection; false when a limit is reached.</summary>
    public bool TryAdd(PeerConnection connection)
    {
        lock (_gate)
        {
            if (_count >= max)
            {
                return false;
            }

            if (!_peers.TryGetValue(connection.RemotePeer, out var entry))
            {
                _peers.Add(connection.RemotePeer, entry = new Entry());
            }
            else if (entry.Connections.Count >= maxPerPeer)
            {
                return false;
            }

            entry.Connections.Add(connection);
            entry.Epoch = entry.Epoch == 0 && !connection.Limited ? ++_lastEpoch : entry.Epoch;
            _count++;
            return true;
        }
    }

    /// <summary>Removes a connection that ended.</summary>
    public void Remove(PeerConnection connection)
    {
        lock (_gate)
        {
            if (_peers.TryGetValue(connection.RemotePeer, out var entry) && entry.Connections.Remove(connection))
            {
                _count--;
                if (entry.Connections.Count == 0)
                {
                    _peers.Remove(connection.RemotePeer);
                }
                else if (entry.Connections.TrueForAll(c => c.Limited))
                {
                    entry.Epoch = 0;
                }
            }
        }
    }

    /// <summary>The oldest connection to a peer that still takes streams; a limited one only when asked for, and when there is no other.</summary>
    public PeerConnection? Pick(PeerId peer, bool orLimited = false)
    {
        lock (_gate)
        {
            return _peers.TryGetValue(peer, out var entry)
                ? entry.Connections.Find(c => c.IsUsable && !c.Limited) ?? (orLimited ? entry.Connections.Find(c => c.IsUsable) : null)
                : null;
        }
    }

    /// <summary>A usable connection that this peer dialed to that address.</summary>
    public PeerConnection? DialedTo(Multiaddr address)
    {
        lock (_gate)
        {
            return _peers.Values.SelectMany(e => e.Connections).FirstOrDefault(c => !c.Inbound && c.IsUsable && c.RemoteAddress.Equals(address));
        }
    }

    /// <summary>The connections to a peer.</summary>
    public IReadOnlyList<PeerConnection> Of(PeerId peer)
    {
        lock (_gate)
        {
            return _peers.TryGetValue(peer, out var entry) ? [.. entry.Connections] : [];
        }
    }

    /// <summary>The peer's epoch, 0 when it is not connected.</summary>
    public long EpochOf(PeerId peer)
    {
        lock (_gate)
        {
            return _peers.TryGetValue(peer, out var entry) ? entry.Epoch : 0;
        }
    }

    private sealed class Entry
    {
        /// <summary>0 while all connections are limited.</summary>
        public long Epoch { get; set; }

        public List<PeerConnection> Connections { get; } = [];
    }
}
