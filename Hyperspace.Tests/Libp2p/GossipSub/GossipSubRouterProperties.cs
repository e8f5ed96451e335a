using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Whatever its peers do, in whatever order, these hold for a router.</summary>
public class GossipSubRouterProperties
{
    private const int Peers = 25;
    private static readonly string[] Topics = ["a", "b", "c"];
    private static readonly GossipMessage[] Messages = [.. Enumerable.Range(0, 60).Select(i => GossipKeys.Message(i % 30, Topics[i % 3], (ulong)i))];

    [Property(MaxTest = 200)]
    public void Effects_go_to_connected_peers_only_each_message_is_delivered_once_and_meshes_keep_their_bounds(NonNegativeInt seed)
    {
        var random = new Random(seed.Get);
        var parameters = new GossipSubParameters { FloodPublish = random.Next(2) == 0 };
        var router = new GossipSubRouter(GossipKeys.Peer(0), parameters, new Random(seed.Get));
        var connected = new Dictionary<PeerId, GossipSubVersion>();
        var joined = new HashSet<string>();
        var delivered = new HashSet<MessageKey>();
        List<GossipEffect> effects = [];
        long now = 0;
        var published = 1000UL;
        for (var step = 0; step < 300; step++)
        {
            now += random.Next(300);
            var peer = GossipKeys.Peer(1 + random.Next(Peers));
            var topic = Topics[random.Next(Topics.Length)];
            PeerId? bringer = null;
            switch (random.Next(10))
            {
                case 0 when !connected.ContainsKey(peer):
                    connected[peer] = (GossipSubVersion)random.Next(3);
                    router.AddPeer(peer, connected[peer], random.Next(2) == 0, effects);
                    break;
                case 1 when random.Next(3) == 0:
                    connected.Remove(peer);
                    router.RemovePeer(peer, now);
                    break;
                case 2 or 3:
                    router.Receive(peer, new GossipRpc { Subscriptions = [new(topic, random.Next(4) > 0)] }, now, effects);
                    break;
                case 4:
                    router.Receive(peer, new GossipRpc { Graft = random.Next(2) == 0 ? [topic] : null, Prune = random.Next(3) == 0 ? [new(topic, (ulong)random.Next(100))] : null }, now, effects);
                    break;
                case 5:
                    var some = Messages[random.Next(Messages.Length)];
                    router.Receive(peer, new GossipRpc { IHave = [new(topic, [some.Id])], IWant = [some.Id] }, now, effects);
                    break;
                case 6:
                    if (joined.Add(topic))
                    {
                        router.Subscribe(topic, now, effects);
                    }
                    else if (random.Next(5) == 0)
                    {
                        joined.Remove(topic);
                        router.Unsubscribe(topic, now, effects);
                    }

                    break;
                case 7:
                    router.Publish(GossipKeys.Message(0, topic, published++), now, effects);
                    break;
                case 8:
                    bringer = peer;
                    router.ReceiveMessage(peer, Messages[random.Next(Messages.Length)], now, effects);
                    break;
                default:
                    router.Heartbeat(now, effects);
                    Assert.All(Topics, t => Assert.InRange(router.MeshOf(t).Count, 0, parameters.Dhi + parameters.Dout));
                    break;
            }

            foreach (var effect in effects)
            {
                Assert.Contains(effect.Peer, connected.Keys);
                switch (effect.Kind)
                {
                    case GossipEffectKind.Deliver:
                        Assert.True(delivered.Add(effect.Message!.Key));
                        Assert.Contains(effect.Message.Topic, joined);
                        break;
                    case GossipEffectKind.SendMessage:
                        Assert.NotEqual(bringer, effect.Peer);
                        break;
                    case GossipEffectKind.SendControl when connected[effect.Peer] == GossipSubVersion.Floodsub:
                        Assert.True(effect.Control!.Graft is null && effect.Control.IHave is null && effect.Control.IWant is null);
                        break;
                }
            }

            effects.Clear();
            Assert.Equal(joined, router.Topics.ToHashSet());
            foreach (var t in Topics)
            {
                Assert.Subset(connected.Keys.ToHashSet(), router.SubscribersOf(t).ToHashSet());
                Assert.All(router.MeshOf(t), p => Assert.NotEqual(GossipSubVersion.Floodsub, connected[p]));
                Assert.Equal(router.MeshOf(t).Count, router.MeshOf(t).Distinct().Count());
                Assert.True(joined.Contains(t) || router.MeshOf(t).Count == 0);
            }
        }
    }
}
