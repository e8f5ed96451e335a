using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Switch;

public class PeerStoreTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromHours(1);
    private readonly FakeTimeProvider _time = new();
    private readonly PeerId _peer = Peer();
    private bool _connected;

    [Fact]
    public void The_latest_addresses_come_first_and_only_so_many_are_kept()
    {
        var store = Store(addresses: 3);
        store.AddAddresses(_peer, [At(1), At(2)]);
        store.AddAddresses(_peer, [At(2).WithPeer(_peer), At(3)]);
        store.AddAddresses(_peer, [At(4)]);
        Assert.Equal([At(4), At(2), At(3)], store.Find(_peer)!.Addresses);
    }

    [Fact]
    public void The_longest_untouched_peer_that_is_not_connected_is_forgotten()
    {
        var peers = Enumerable.Range(0, 5).Select(_ => Peer()).ToArray();
        var store = new PeerStore(3, 3, Ttl, _time, p => p == peers[0]);
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
        Assert.Equal([peers[4], peers[3]], store.Snapshot(2).Select(r => r.Peer));
    }

    [Fact]
    public void Addresses_expire_unless_they_are_seen_again_or_their_peer_is_connected()
    {
        var store = Store();
        store.AddAddresses(_peer, [At(1), At(2)]);
        _time.Advance(Ttl / 2);
        store.AddAddresses(_peer, [At(2)]);
        _time.Advance(Ttl * 0.6);
        Assert.Equal([At(2)], store.Find(_peer)!.Addresses);
        _connected = true;
        _time.Advance(Ttl);
        Assert.Equal([At(2)], store.Find(_peer)!.Addresses);
        _connected = false;
        Assert.Empty(store.Find(_peer)!.Addresses);
        Assert.Empty(store.Snapshot(9));
    }

    [Fact]
    public void A_signed_record_replaces_what_the_peer_said_and_silences_unsigned_addresses()
    {
        var store = Store();
        Assert.True(store.Learn(_peer, Message(null, At(1))).Changed);
        store.Confirm(_peer, At(9));
        Assert.True(store.Learn(_peer, Message(5, At(2))).Changed);
        Assert.Equal([At(2), At(9)], store.Find(_peer)!.Addresses);
        Assert.False(store.Learn(_peer, Message(null, At(3))).Changed);
        Assert.Equal([At(2), At(9)], store.Find(_peer)!.Addresses);
    }

    [Fact]
    public void An_older_signed_record_changes_no_address_and_a_newer_one_does()
    {
        var store = Store();
        store.Learn(_peer, Message(5, At(1)));
        Assert.False(store.Learn(_peer, Message(4, At(2))).Changed);
        Assert.Equal([At(1)], store.Find(_peer)!.Addresses);
        Assert.False(store.Learn(_peer, Message(5, At(1))).Changed);
        Assert.True(store.Learn(_peer, Message(6, At(3))).Changed);
        Assert.Equal([At(3)], store.Find(_peer)!.Addresses);
    }

    [Fact]
    public void A_record_that_expired_no_longer_silences_what_the_peer_says()
    {
        var store = Store();
        store.Learn(_peer, Message(5, At(1)));
        _time.Advance(Ttl);
        store.Learn(_peer, Message(4, At(2)));
        Assert.Equal([At(2)], store.Find(_peer)!.Addresses);
    }

    [Fact]
    public void What_others_claim_does_not_push_out_what_the_peer_signed_or_answered_at()
    {
        var store = Store(addresses: 4);
        store.Learn(_peer, Message(1, At(1)));
        store.Confirm(_peer, At(2));
        for (var port = 10; port < 60; port++)
        {
            store.AddAddresses(_peer, [At(port), At(port + 100)]);
        }

        var kept = store.Find(_peer)!.Addresses;
        Assert.Equal(4, kept.Count);
        Assert.Contains(At(1), kept);
        Assert.Contains(At(2), kept);
    }

    private static IdentifyMessage Message(ulong? sequence, params Multiaddr[] addresses) => new(addresses, ["/a/1"], null, "test", sequence);

    private static PeerId Peer()
    {
        using var keys = KeyPair.Generate();
        return keys.PeerId;
    }

    private static Multiaddr At(int port) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}");

    private PeerStore Store(int addresses = 16) => new(10, addresses, Ttl, _time, _ => _connected);
}
