using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Benchmarks.Simulation.Attacks;

/// <summary>Attackers that send too much of something: one for ten honest peers.</summary>
internal abstract class SpamAttack : Attack
{
    public override double PerHonest => 0.1;

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario) => new SpamNode(simulation, number, Spam);

    /// <summary>What the neighbours get at one heartbeat.</summary>
    protected abstract void Spam(SpamNode attacker, IReadOnlyCollection<PeerId> to);
}

internal sealed class IHaveSpamAttack : SpamAttack
{
    public override string Name => "ihave-spam";

    public override string Description => "Announce messages that do not exist, 12 RPCs of 10 ids per heartbeat, so that peers ask for them.";

    protected override void Spam(SpamNode attacker, IReadOnlyCollection<PeerId> to)
    {
        for (var i = 0; i < 12; i++)
        {
            attacker.Send(to, new GossipRpc { IHave = [new IHave(GossipSimulation.Topic, attacker.InventedIds(10))] });
        }
    }
}

internal sealed class IWantSpamAttack : SpamAttack
{
    public override string Name => "iwant-spam";

    public override string Description => "Ask for the same messages over and over, four times per heartbeat, and for some that do not exist, so that peers send and send.";

    protected override void Spam(SpamNode attacker, IReadOnlyCollection<PeerId> to)
    {
        List<ReadOnlyMemory<byte>> wanted = [.. attacker.Heard.Select(static m => m.Id), .. attacker.InventedIds(10)];
        for (var i = 0; i < 4; i++)
        {
            attacker.Send(to, new GossipRpc { IWant = wanted });
        }
    }
}

internal sealed class GraftSpamAttack : SpamAttack
{
    public override string Name => "graft-spam";

    public override string Description => "Prune and graft at every heartbeat, back-off or not, and graft fifty topics that nobody knows.";

    protected override void Spam(SpamNode attacker, IReadOnlyCollection<PeerId> to)
    {
        attacker.Send(to, new GossipRpc { Prune = [new Prune(GossipSimulation.Topic, 60)] });
        attacker.Send(to, new GossipRpc { Graft = [GossipSimulation.Topic, .. Enumerable.Range(0, 50).Select(static i => $"unknown/{i}")] });
    }
}

internal sealed class InvalidMessagesAttack : Attack
{
    private const byte Unfit = 0xFF;

    public override string Name => "invalid-messages";

    public override string Description => "Send two messages per heartbeat to every neighbour: one with a broken signature, one that the topic's validator rejects.";

    public override double PerHonest => 0.1;

    public override Func<GossipMessage, Validation>? Validator => static message => message.Data.Span is [Unfit, ..] ? Validation.Reject : Validation.Accept;

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario)
    {
        // Signed ahead: what the attacker spends on them is of no interest.
        var unfit = Enumerable.Range(0, 50).Select(_ => simulation.Sign(number, [Unfit, 1, 2, 3])).ToList();
        var forged = unfit.ConvertAll(m => Tampered(m, scenario.Parameters));
        return new SpamNode(simulation, number, (attacker, to) =>
        {
            attacker.Send(to, unfit[attacker.Random.Next(unfit.Count)]);
            attacker.Send(to, forged[attacker.Random.Next(forged.Count)]);
        });
    }

    private static GossipMessage Tampered(GossipMessage message, GossipSubParameters parameters)
    {
        var bytes = message.Encoded.ToArray();
        bytes[bytes.AsSpan().IndexOf(message.Data.Span) + 1] ^= 1;
        return GossipMessage.Parse(bytes, new TopicTable(), parameters.MaxTopicLength, parameters.MessageIdForm)
            ?? throw new InvalidOperationException("A tampered message still parses.");
    }
}

internal sealed class BrokenPromisesAttack : SpamAttack
{
    public override string Name => "broken-promises";

    public override string Description => "Announce every message to all neighbours the moment it is heard, and some that do not exist, and neither pass on nor send what is asked for.";

    public override double PerHonest => 0.5;

    protected override GossipNode Attacker(GossipSimulation simulation, int number, GossipScenario scenario) =>
        new SpamNode(simulation, number, Spam)
        {
            OnMessage = static (attacker, message) =>
            {
                attacker.Send(attacker.Links.Keys, new GossipRpc { IHave = [new IHave(GossipSimulation.Topic, [message.Id])] });
                return false;
            },
        };

    protected override void Spam(SpamNode attacker, IReadOnlyCollection<PeerId> to)
    {
        List<ReadOnlyMemory<byte>> promised = [.. attacker.Heard.Select(static m => m.Id), .. attacker.InventedIds(3)];
        attacker.Send(to, new GossipRpc { IHave = [new IHave(GossipSimulation.Topic, promised)] });
    }
}
