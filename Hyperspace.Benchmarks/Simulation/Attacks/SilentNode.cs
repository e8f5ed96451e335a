using System.Net;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>
/// Takes its place in meshes as the router does, and lets vanish what it should pass on. It announces nothing either: a
/// promise that it breaks would give it away.
/// </summary>
internal sealed class SilentNode(GossipSimulation network, int number, Func<GossipMessage, bool> swallows, IPAddress? address = null) : RouterNode(network, number, address)
{
    /// <inheritdoc/>
    public override bool Honest => false;

    /// <summary>Until then it behaves.</summary>
    public bool Active { get; set; } = true;

    protected override bool Passes(ref GossipEffect effect)
    {
        if (!Active)
        {
            return true;
        }

        if (effect.Message is { } message)
        {
            return !swallows(message);
        }

        if (effect.Control is { IHave: not null } control)
        {
            control.IHave = null;
            return control.HasControl;
        }

        return true;
    }
}
