using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>The switch closes connections when it has too many; those that a mesh needs are not among them.</summary>
public class MeshProtectionTests
{
    [Fact]
    public async Task Peers_of_a_mesh_are_protected_until_they_leave_it()
    {
        var network = new InMemoryNetwork();
        var (here, there) = (network.Add(1), network.Add(2));
        await using var ours = new GossipSubService(here, GossipKeys.Key(1));
        await using var theirs = new GossipSubService(there, GossipKeys.Key(2));
        using var subscription = ours.Subscribe("news", _ => { });
        var other = theirs.Subscribe("news", _ => { });
        await here.DialAsync(there.ListenAddresses[0].WithPeer(there.LocalPeer));
        await Eventually.TrueAsync(() => here.Needed.GetValueOrDefault(there.LocalPeer));
        other.Dispose();
        await Eventually.TrueAsync(() => !here.Needed.GetValueOrDefault(there.LocalPeer));
    }
}
