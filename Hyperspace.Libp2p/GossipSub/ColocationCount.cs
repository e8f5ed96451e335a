using System.Net;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// How many peers come from one address (P6). IPv6 counts by /64, which one host has to itself; IPv4 mapped into IPv6
/// counts as IPv4.
/// </summary>
internal sealed class ColocationCount(int threshold, IReadOnlyList<IPNetwork> whitelist)
{
    private readonly Dictionary<IPAddress, HashSet<PeerScoreRecord>> _peers = [];

    /// <summary>Sets the addresses that a peer is counted under.</summary>
    public void Set(PeerScoreRecord peer, IEnumerable<IPAddress> addresses)
    {
        var next = addresses.Select(Counted).OfType<IPAddress>().ToHashSet();
        if (peer.Addresses is { } before)
        {
            foreach (var address in before.Where(a => !next.Contains(a)))
            {
                Remove(address, peer);
            }
        }

        foreach (var address in next)
        {
            if (!_peers.TryGetValue(address, out var peers))
            {
                _peers[address] = peers = [];
            }

            if (peers.Add(peer))
            {
                Changed(peers);
            }
        }

        peer.Addresses = next.Count > 0 ? next : null;
        peer.Changed();
    }

    /// <summary>The sum over the peer's addresses of the squares of the peers over the threshold.</summary>
    public double SurplusOf(PeerScoreRecord peer)
    {
        var sum = 0.0;
        foreach (var address in peer.Addresses ?? [])
        {
            var surplus = (double)Math.Max(0, _peers[address].Count - threshold);
            sum += surplus * surplus;
        }

        return sum;
    }

    private void Remove(IPAddress address, PeerScoreRecord peer)
    {
        var peers = _peers[address];
        peers.Remove(peer);
        if (peers.Count == 0)
        {
            _peers.Remove(address);
        }

        Changed(peers);
    }

    /// <summary>One more or one less weighs on all who share the address.</summary>
    private void Changed(HashSet<PeerScoreRecord> peers)
    {
        if (peers.Count < threshold)
        {
            return;
        }

        foreach (var peer in peers)
        {
            peer.Changed();
        }
    }

    /// <summary>The address as it is counted; null when it is not.</summary>
    private IPAddress? Counted(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return whitelist.Any(n => n.Contains(address)) ? null : IpGroup.Of(address);
    }
}
