using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Switch;

public class PeerStoreTests
{
    [Fact]
    public void The_latest_addresses_come_first_and_only_so_many_are_kept()
    {
        var store = new PeerStore(10, 3, _ => false);
        var peer = Peer();
        store.AddAddresses(peer, [At(1), At(2)]);
        store.AddAddresses(peer, [At(2).WithPeer(peer), At(3)]);
        store.AddAddresses(peer, [At(4)]);
        Assert.Equal([At(4), At(2), At(3)], store.Find(peer)!.Addresses);
    }

    [Fact]
    public void The_longest_untouched_peer_that_is_not_connected_is_forgotten()
    {
        var peers = Enumerable.Range(0, 5).Select(_ => Peer()).ToArray();
        var store = new PeerStore(3, 3, p => p == peers[0]);
        foreach (var peer in peers[..3])
        {
            store.AddAddresses(peer, [At(1)]);
        }

        store.AddAddresses(peers[1], [At(2)]);
        store.AddAddresses(peers[3], [At(1)]);
        Assert.Null(store.Find(peers[2]));
        store.AddAddresses(peers[4], [At(1)]);
        Assert.Equal([true, false, false, true, true], peers.Select(p => store.Find(p) is not null));
        Assert.Equal(3, store.Count);
    }

    private static PeerId Peer()
    {
        using var keys = KeyPair.Generate();
        return keys.PeerId;
    }

    private static Multiaddr At(int port) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}");
}
