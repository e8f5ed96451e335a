using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>What is known of peers, bounded: the longest untouched peer that is not connected is forgotten first.</summary>
internal sealed class PeerStore(int maxPeers, int maxAddresses, Func<PeerId, bool> isConnected)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, LinkedListNode<PeerRecord>> _index = [];
    private readonly LinkedList<PeerRecord> _byUse = new();

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
            return _index.TryGetValue(peer, out var node) ? node.Value : null;
        }
    }

    /// <summary>Puts addresses in front of those that are known already.</summary>
    public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses) => Update(peer, record => record with
    {
        Addresses = [.. addresses.Select(a => a.WithoutPeer()).Concat(record.Addresses).Distinct().Take(maxAddresses)],
    });

    /// <summary>Changes what is known of a peer and returns it.</summary>
    public PeerRecord Update(PeerId peer, Func<PeerRecord, PeerRecord> change)
    {
        lock (_gate)
        {
            if (_index.TryGetValue(peer, out var node))
            {
                _byUse.Remove(node);
                node.Value = change(node.Value);
            }
            else
            {
                node = new LinkedListNode<PeerRecord>(change(new PeerRecord(peer, [], [], null)));
                _index.Add(peer, node);
                Forget();
            }

            _byUse.AddFirst(node);
            return node.Value;
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
}
