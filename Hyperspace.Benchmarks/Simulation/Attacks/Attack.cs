using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>
/// Nodes that mean harm, and how they get in. The models follow the GossipSub v1.1 evaluation (arXiv:2007.02754), libp2p's
/// gossipsub-hardening and go-libp2p-pubsub's spam tests. Attackers are classes of their own; honest peers run the router as it is.
/// </summary>
internal abstract class Attack
{
    /// <summary>What the payload of a message that a validator accepts begins with.</summary>
    public const byte FitPayload = 0;

    /// <summary>As on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What the attackers do, in a sentence.</summary>
    public abstract string Description { get; }

    /// <summary>Attackers per honest peer.</summary>
    public virtual double PerHonest => 1;

    /// <summary>Honest peers find attackers when they look for peers to dial, as often as they find each other.</summary>
    public virtual bool Found => true;

    /// <summary>Milliseconds between the joining of one honest peer and the next; 0: all at once.</summary>
    public virtual int JoinInterval => 0;

    /// <summary>Messages published before that virtual time do not count.</summary>
    public long CountsFrom { get; protected set; }

    /// <summary>The peer that the attack aims at, if it aims at one.</summary>
    public RouterNode? Victim { get; protected set; }

    /// <summary>What the topic's validator says, where the attack needs one.</summary>
    public virtual Func<GossipMessage, Validation>? Validator => null;

    /// <summary>The attackers.</summary>
    protected List<GossipNode> Attackers { get; } = [];

    /// <summary>Before the honest peers join.</summary>
    public virtual void Prepare(GossipSimulation simulation, GossipScenario scenario)
    {
        // Their numbers stand before the honest ones', so that their share is known from the start.
        var count = Math.Max(1, (int)(PerHonest * scenario.Peers));
        for (var i = 0; i < count; i++)
        {
            Attackers.Add(simulation.Join(Attacker(simulation, simulation.Nodes.Count, scenario)));
        }
    }

    /// <summary>When the honest peers have dialled: the attackers dial.</summary>
    public virtual void Connect(GossipSimulation simulation, IReadOnlyList<GossipNode> honest)
    {
        foreach (var attacker in Attackers)
        {
            attacker.WantsDialled = Math.Min(20, honest.Count);
        }

        simulation.ConnectAtRandom(Attackers, honest);
    }

    /// <summary>Just before the first message.</summary>
    public virtual void WarmedUp(GossipSimulation simulation)
    {
    }

    /// <summary>Who publishes the next message; null leaves it to chance.</summary>
    public virtual RouterNode? Publisher(Random random) => null;

    protected abstract GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario);
}
