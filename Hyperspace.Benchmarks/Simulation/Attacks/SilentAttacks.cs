using System.Net;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>Attackers that pass nothing on.</summary>
internal abstract class SilentAttack : Attack
{
    /// <summary>Whether the attackers keep a message to themselves.</summary>
    protected virtual bool Swallows(GossipMessage message) => true;

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario) => new SilentNode(simulation, number, Swallows);
}

internal sealed class SybilAttack : SilentAttack
{
    public override string Name => "sybil";

    public override string Description => "Two made-up identities for each honest peer, mixed with them everywhere, join the meshes and pass nothing on.";

    public override double PerHonest => 2;
}

/// <summary>All attackers crowd around one peer.</summary>
internal abstract class EclipseAttack : SilentAttack
{
    public override double PerHonest => 0.5;

    public override bool Found => false;

    public override void Connect(GossipSimulation simulation, IReadOnlyList<GossipNode> honest)
    {
        Victim = (RouterNode)honest[0];
        foreach (var attacker in Attackers)
        {
            simulation.Connect(attacker, Victim);
        }
    }
}

internal sealed class EclipsePeerAttack : EclipseAttack
{
    public override string Name => "eclipse-peer";

    public override string Description => "Half as many identities as there are honest peers all graft one peer, to be all that it hears.";
}

internal sealed class EclipsePublisherAttack : EclipseAttack
{
    public override string Name => "eclipse-publisher";

    public override string Description => "The same around the only peer that publishes, so that nobody hears it.";

    public override RouterNode? Publisher(Random random) => Victim;
}

internal sealed class CensorAttack : SilentAttack
{
    public override string Name => "censor";

    public override string Description => "As many attackers as honest peers pass on everything but one peer's messages; every other message is that peer's.";

    protected override bool Swallows(GossipMessage message) => message.From.SequenceEqual(Victim!.Id.Bytes.Span);

    public override void Connect(GossipSimulation simulation, IReadOnlyList<GossipNode> honest)
    {
        Victim = (RouterNode)honest[0];
        base.Connect(simulation, honest);
    }

    public override RouterNode? Publisher(Random random) => random.Next(2) == 0 ? Victim : null;
}

internal sealed class CovertFlashAttack : SilentAttack
{
    public override string Name => "covert-flash";

    public override string Description => "As many attackers as honest peers serve well for half the time, and then all fall silent at once; only what is published after that counts.";

    private GossipScenario? _scenario;

    public override void Prepare(GossipSimulation simulation, GossipScenario scenario)
    {
        _scenario = scenario;
        base.Prepare(simulation, scenario);
    }

    public override void WarmedUp(GossipSimulation simulation)
    {
        var wait = (long)(_scenario!.Messages / 2 * _scenario.Interval.TotalMilliseconds);
        CountsFrom = simulation.Now + wait;
        simulation.After(wait, () => Attackers.ForEach(static a => ((SilentNode)a).Active = true));
    }

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario) =>
        new SilentNode(simulation, number, Swallows) { Active = false };
}

internal sealed class ColdBootAttack : SilentAttack
{
    public override string Name => "cold-boot";

    public override string Description => "As many attackers as honest peers are there first, joined to each other; honest peers come one by one and find mostly them.";

    public override int JoinInterval => 100;

    public override void Prepare(GossipSimulation simulation, GossipScenario scenario)
    {
        base.Prepare(simulation, scenario);
        base.Connect(simulation, Attackers);
        simulation.Run(5000);
    }

    public override void Connect(GossipSimulation simulation, IReadOnlyList<GossipNode> honest)
    {
        foreach (var attacker in Attackers)
        {
            attacker.WantsDialled = 40;
        }
    }
}

internal sealed class ColocationAttack : SilentAttack
{
    private static readonly IPAddress OneHost = IPAddress.Parse("192.0.2.66");

    public override string Name => "colocation";

    public override string Description => "As many identities as honest peers, all from one address, join the meshes and pass nothing on.";

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario) => new SilentNode(simulation, number, Swallows, OneHost);
}
