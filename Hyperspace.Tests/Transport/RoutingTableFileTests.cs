using Hyperspace.Actors.Transport;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Transport;

public sealed class RoutingTableFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hyperspace-dht-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_restarted_peer_rejoins_the_dht_without_bootstrap_peers()
    {
        await using var friend = await TestSwitch.StartAsync();
        await using var theirs = new KademliaService(friend.Switch);
        await using (var before = await TestSwitch.StartAsync())
        {
            await using var dht = new KademliaService(before.Switch, store: new RoutingTableFile(_directory));
            await before.Switch.DialAsync(friend.Address);
            await Eventually.TrueAsync(() => dht.RoutingTableSize == 1 && theirs.RoutingTableSize == 1);
        }

        await using var after = await TestSwitch.StartAsync();
        await using var rejoined = new KademliaService(after.Switch, store: new RoutingTableFile(_directory));
        await Eventually.TrueAsync(() => rejoined.RoutingTableSize == 1);
        Assert.Equal([friend.PeerId], after.Switch.ConnectedPeers);
    }

    [Fact]
    public async Task What_is_saved_is_read_back_and_a_file_that_is_too_long_is_cut()
    {
        var file = new RoutingTableFile(_directory);
        Assert.Null(await file.LoadAsync(default));
        await file.SaveAsync(new byte[] { 1, 2, 3 }, default);
        await file.SaveAsync(new byte[] { 4, 5 }, default);
        Assert.Equal([4, 5], (await file.LoadAsync(default))!.Value.ToArray());
        Assert.Equal([RoutingTableFile.FileName], Directory.GetFiles(_directory).Select(Path.GetFileName));
        await file.SaveAsync(new byte[RoutingTableSnapshot.MaxBytes * 3], default);
        Assert.Equal(RoutingTableSnapshot.MaxBytes + 1, (await file.LoadAsync(default))!.Value.Length);
        await Assert.ThrowsAnyAsync<IOException>(async () => await new RoutingTableFile(Path.Combine(_directory, "none")).SaveAsync(new byte[1], default));
    }
}
