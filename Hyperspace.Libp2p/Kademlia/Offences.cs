namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Peers that returned records which their validator refuses. One such answer may be an old record of an honest holder;
/// a peer that goes on is shunned for a while. Bounded: the peer whose last offence is oldest is forgotten first. Time is
/// passed in; not thread-safe.
/// </summary>
/// <param name="tolerated">Offences, none longer apart than the pause, before a peer is shunned.</param>
/// <param name="pause">How long offences count and a peer is shunned after its last.</param>
/// <param name="maxPeers">Peers that are remembered.</param>
internal sealed class Offences(int tolerated, TimeSpan pause, int maxPeers)
{
    private readonly Dictionary<PeerId, (int Count, DateTimeOffset Last)> _peers = [];

    /// <summary>Notes an offence; true when the peer is shunned from now on.</summary>
    public bool Add(PeerId peer, DateTimeOffset now)
    {
        var count = _peers.TryGetValue(peer, out var known) && now - known.Last < pause ? known.Count + 1 : 1;
        if (!_peers.ContainsKey(peer) && _peers.Count >= maxPeers)
        {
            _peers.Remove(_peers.MinBy(p => p.Value.Last).Key);
        }

        _peers[peer] = (count, now);
        return count > tolerated;
    }

    /// <summary>True while a peer is shunned.</summary>
    public bool IsShunned(PeerId peer, DateTimeOffset now) =>
        _peers.TryGetValue(peer, out var known) && known.Count > tolerated && now - known.Last < pause;
}
