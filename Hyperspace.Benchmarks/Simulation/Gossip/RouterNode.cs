using System.Net;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>A node that is the real <see cref="GossipSubRouter"/>; what <see cref="GossipSubService"/> does with sockets and a clock is done here with events.</summary>
internal class RouterNode : GossipNode
{
    public RouterNode(GossipSimulation network, int number, IPAddress? address = null)
        : base(network, number, address)
    {
        Router = new GossipSubRouter(Id, network.Parameters, new Random(network.NextSeed()), network.Authors, network.Validator is null ? null : static _ => true);
    }

    public GossipSubRouter Router { get; }

    /// <inheritdoc/>
    public override bool Honest => true;

    public override void Joined() => Act(static (node, effects) => node.Router.Subscribe(GossipSimulation.Topic, node.Network.Now, effects));

    public override void Connected(GossipLink link)
    {
        var other = link.Other(this);
        Router.AddPeer(other.Id, GossipSubVersion.V11, ReferenceEquals(link.Dialer, this), Network.Effects, other.Address);
        Dispatch(0);
    }

    public override void Disconnected(GossipLink link)
    {
        Router.RemovePeer(link.Other(this).Id, Network.Now);
    }

    public override void Receive(GossipLink link, GossipMessage message, int hops)
    {
        var before = Router.Duplicates;
        Router.ReceiveMessage(link.Other(this).Id, message, Network.Now, Network.Effects);
        if (Honest)
        {
            Network.Duplicated(Router.Duplicates - before);
        }

        Dispatch(hops);
    }

    public override void Receive(GossipLink link, GossipRpc control)
    {
        Router.Receive(link.Other(this).Id, control, Network.Now, Network.Effects);
        Dispatch(0);
    }

    public override void Heartbeat()
    {
        Router.Heartbeat(Network.Now, Network.Effects);
        Dispatch(0);
    }

    public void Publish(GossipMessage message)
    {
        Router.Publish(message, Network.Now, Network.Effects);
        Dispatch(0);
    }

    /// <summary>Has the router do something, and does what it wants done.</summary>
    public void Act(Action<RouterNode, List<GossipEffect>> act)
    {
        act(this, Network.Effects);
        Dispatch(0);
    }

    /// <summary>What leaves the node of what its router wants to send; an attacker holds back or changes some of it.</summary>
    protected virtual bool Passes(ref GossipEffect effect) => true;

    private void Dispatch(int hops)
    {
        var effects = Network.Effects;
        for (var i = 0; i < effects.Count; i++)
        {
            var effect = effects[i];
            switch (effect.Kind)
            {
                case GossipEffectKind.Deliver:
                    Network.Delivered(this, effect.Message!, hops);
                    break;
                case GossipEffectKind.Validate:
                    Router.Validated(effect.Peer, effect.Message!, Network.Validator!(effect.Message!), Network.Now, effects);
                    break;
                case GossipEffectKind.SendMessage when Passes(ref effect):
                    Network.Send(this, effect.Peer, effect.Message!);
                    break;
                case GossipEffectKind.SendControl when Passes(ref effect):
                    Network.Send(this, effect.Peer, effect.Control!);
                    break;
            }
        }

        effects.Clear();
    }
}
