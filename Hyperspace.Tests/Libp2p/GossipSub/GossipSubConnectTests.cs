using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Connections that GossipSub itself asks for, and what else only the service can show.</summary>
public class GossipSubConnectTests
{
    private const string Topic = "t";

    [Fact]
    public async Task Pruned_from_a_full_mesh_a_peer_is_led_to_another_by_its_signed_record()
    {
        var full = new GossipSubParameters { DoPx = true, D = 1, Dlo = 1, Dhi = 1, Dscore = 1, Dout = 0 };
        var trusting = new GossipSubParameters { Score = new PeerScoreParameters { AcceptPxThreshold = 0 } };
        await using var pruner = await GossipPeer.StartAsync(new GossipSubOptions { Parameters = full });
        await using var introduced = await GossipPeer.StartAsync();
        await using var pruned = await GossipPeer.StartAsync(new GossipSubOptions { Parameters = trusting });
        pruner.Subscribe(Topic);
        introduced.Subscribe(Topic);
        pruned.Subscribe(Topic);
        await introduced.Network.Switch.DialAsync(pruner.Network.Address);
        await Eventually.TrueAsync(() => pruner.Gossip.MeshOf(Topic).Contains(introduced.PeerId), what: "the mesh is full");
        await pruned.Network.Switch.DialAsync(pruner.Network.Address);
        await Eventually.TrueAsync(() => pruned.Gossip.MeshOf(Topic).Contains(introduced.PeerId), what: "the pruned peer has found another");
        Assert.DoesNotContain(pruner.PeerId, pruned.Gossip.MeshOf(Topic));
    }

    [Fact]
    public async Task A_direct_peer_is_dialled_and_hears_everything_without_a_mesh()
    {
        await using var b = await GossipPeer.StartAsync();
        await using var network = await Switch.TestSwitch.StartAsync();
        network.Switch.AddAddresses(b.PeerId, [b.Network.Address]);
        var parameters = new GossipSubParameters { DirectPeers = new HashSet<PeerId> { b.PeerId } };
        await using var a = new GossipSubService(network.Switch, network.Keys, new GossipSubOptions { Parameters = parameters });
        a.Subscribe(Topic, _ => { });
        var (messages, _) = b.Subscribe(Topic);
        await Eventually.TrueAsync(() => a.SubscribersOf(Topic).Count == 1, what: "the direct peer was dialled");
        await a.PublishAsync(Topic, "direct"u8.ToArray());
        Assert.Equal("direct"u8.ToArray(), (await GossipPeer.NextAsync(messages)).Data.ToArray());
        Assert.Empty(a.MeshOf(Topic));
    }

    [Fact]
    public async Task Message_ids_can_be_formed_by_a_function_and_the_same_content_is_then_delivered_once()
    {
        var options = new GossipSubOptions { Parameters = new GossipSubParameters { MessageId = static (_, _, _, data) => System.Security.Cryptography.SHA256.HashData(data) } };
        await using var a = await GossipPeer.StartAsync(options);
        await using var b = await GossipPeer.StartAsync(options);
        var (messages, _) = b.Subscribe(Topic);
        await a.Network.Switch.DialAsync(b.Network.Address);
        await Eventually.TrueAsync(() => a.Gossip.SubscribersOf(Topic).Count == 1, what: "a knows that b subscribes");
        foreach (var text in (string[])["same", "same", "other"])
        {
            await a.Gossip.PublishAsync(Topic, System.Text.Encoding.UTF8.GetBytes(text));
        }

        List<PubSubMessage> got = [await GossipPeer.NextAsync(messages), await GossipPeer.NextAsync(messages)];
        Assert.Equal(["same", "other"], got.Select(m => System.Text.Encoding.UTF8.GetString(m.Data.Span)));
        Assert.Equal(System.Security.Cryptography.SHA256.HashData("same"u8), got[0].Id.ToArray());
        Assert.Equal(1, b.Gossip.Counters.Duplicates);
    }

    [Fact]
    public async Task A_subscription_filter_binds_this_peer_too()
    {
        await using var a = await GossipPeer.StartAsync(new GossipSubOptions { Parameters = new GossipSubParameters { SubscriptionFilter = static t => t == Topic } });
        a.Subscribe(Topic);
        Assert.Throws<ArgumentException>(() => a.Gossip.Subscribe("other", _ => { }));
    }
}
