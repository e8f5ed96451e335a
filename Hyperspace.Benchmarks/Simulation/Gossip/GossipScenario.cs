using System.Diagnostics;
using Hyperspace.Benchmarks.Simulation.Attacks;
using Hyperspace.Libp2p.GossipSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>One experiment: a network forms, messages are published by random peers at even intervals, and it is counted whom they reached.</summary>
internal sealed record GossipScenario
{
    public int Peers { get; init; } = 1000;

    public int Messages { get; init; } = 100;

    /// <summary>Connections that each peer dials.</summary>
    public int Dials { get; init; } = 20;

    /// <summary>Bytes of payload.</summary>
    public int PayloadSize { get; init; } = 256;

    /// <summary>Between two messages.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>From the joining of the last peer to the first message.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The time in which a message must arrive. It is expected at the honest peers that are there all that time, and were
    /// there for <see cref="Settled"/> before.
    /// </summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The time that a peer that joins is given to connect and find a mesh.</summary>
    public TimeSpan Settled { get; init; } = TimeSpan.FromSeconds(5);

    public int Seed { get; init; } = 1;

    public NetworkModel Network { get; init; } = new();

    public ChurnModel? Churn { get; init; }

    /// <summary>In the middle of the messages the network is cut in two halves for so long; 0: never.</summary>
    public TimeSpan Partition { get; init; }

    public Attack? Attack { get; init; }

    public GossipSubParameters Parameters { get; init; } = new();

    /// <summary>Runs it; <paramref name="progress"/> is told now and then where it stands.</summary>
    public GossipReport Run(Action<string>? progress = null)
    {
        var watch = Stopwatch.StartNew();
        var simulation = new GossipSimulation(Seed, Network, Parameters) { Validator = Attack?.Validator };
        progress?.Invoke($"{Peers} peers join and dial {Dials} others each.");
        Attack?.Prepare(simulation, this);
        var honest = new List<GossipNode>();
        for (var i = 0; i < Peers; i++)
        {
            honest.Add(simulation.Join(new RouterNode(simulation, simulation.Nodes.Count)));
            if (Attack is { JoinInterval: > 0 and var wait })
            {
                // Each finds whom it dials among those that are there by then.
                honest[i].WantsDialled = Dials;
                simulation.Run(wait);
            }
        }

        Connect(simulation, honest);
        if (Churn is { } churn)
        {
            simulation.Churn(churn);
        }

        simulation.Run((long)WarmUp.TotalMilliseconds);
        Attack?.WarmedUp(simulation);

        var all = new DeliveryFigures();
        var victims = new DeliveryFigures();
        var random = new Random(simulation.NextSeed());
        var start = simulation.Traffic;
        var startedAt = simulation.Now;
        var partitionAt = (Messages / 2) - (int)(Partition / Interval / 2);
        for (var i = 0; i < Messages; i++)
        {
            if (Partition > TimeSpan.Zero && i == partitionAt)
            {
                simulation.Partition(static n => n.Number % 2);
                simulation.After((long)Partition.TotalMilliseconds, simulation.Heal);
            }

            Publish(simulation, random, all, victims);
            simulation.Run((long)Interval.TotalMilliseconds);
            if ((i + 1) % Math.Max(1, Messages / 10) == 0)
            {
                progress?.Invoke($"{i + 1} of {Messages} messages published, {simulation.Now / 1000} virtual seconds in {watch.Elapsed.TotalSeconds:0.0} s.");
            }
        }

        simulation.Run((long)Lifetime.TotalMilliseconds);
        var traffic = simulation.Traffic - start;
        return new GossipReport
        {
            Peers = Peers,
            Messages = Messages,
            Seed = Seed,
            Loss = Network.Loss,
            Churn = Churn?.PerMinute ?? 0,
            Attack = Attack?.Name,
            Attackers = simulation.Nodes.Count(static n => n.Up && !n.Honest),
            Delivery = all.Ratio,
            Expected = all.Expected,
            VictimDelivery = victims.Expected > 0 ? victims.Ratio : null,
            P50Ms = all.Percentile(0.5),
            P99Ms = all.Percentile(0.99),
            Hops = all.MeanHops,
            MaxHops = all.MaxHops,
            Duplicates = all.Delivered == 0 ? 0 : (double)traffic.Duplicates / all.Delivered,
            BytesPerPeer = (double)traffic.Bytes / Peers,
            ControlBytesPerPeer = (double)traffic.ControlBytes / Peers,
            MeshDegree = simulation.Honest.Select(static n => n.Router.MeshOf(GossipSimulation.Topic).Count).DefaultIfEmpty().Average(),
            AttackersInMeshes = ShareOfMeshes(simulation),
            AttackerScore = MeanScoreOfAttackers(simulation),
            VirtualSeconds = (simulation.Now - startedAt) / 1000.0,
            WallSeconds = watch.Elapsed.TotalSeconds,
            MemoryMiB = GC.GetTotalMemory(false) / (1024.0 * 1024),
        };
    }

    private void Connect(GossipSimulation simulation, List<GossipNode> honest)
    {
        var candidates = Attack is { Found: true } ? simulation.Nodes : honest;
        foreach (var node in honest)
        {
            node.WantsDialled = Math.Min(Dials, (candidates.Count - 1) / 2);
        }

        simulation.ConnectAtRandom(honest, candidates);
        Attack?.Connect(simulation, honest);
    }

    private void Publish(GossipSimulation simulation, Random random, DeliveryFigures all, DeliveryFigures victims)
    {
        if ((Attack?.Publisher(random) ?? simulation.AnyHonest(random)) is not { Up: true } author)
        {
            return;
        }

        var data = new byte[PayloadSize];
        random.NextBytes(data);
        if (data.Length > 0)
        {
            data[0] = Attack.FitPayload;
        }

        var track = simulation.Publish(author, data);
        var side = simulation.Side;
        simulation.After((long)Lifetime.TotalMilliseconds, () =>
        {
            simulation.Forget(track);
            if (track.PublishedAt < (Attack?.CountsFrom ?? 0))
            {
                return;
            }

            // Who is cut off from the author, at first or at last, is not expected to get it.
            side ??= simulation.Side;
            foreach (var node in simulation.Honest)
            {
                if (node.JoinedAt > track.PublishedAt - (long)Settled.TotalMilliseconds || ReferenceEquals(node, track.Author)
                    || (side is not null && side(node) != side(track.Author)))
                {
                    continue;
                }

                all.Add(track, node.Number);
                if (Attack?.Victim is { } victim && (ReferenceEquals(victim, node) || ReferenceEquals(victim, track.Author)))
                {
                    victims.Add(track, node.Number);
                }
            }
        });
    }

    private static double? ShareOfMeshes(GossipSimulation simulation)
    {
        var attackers = simulation.Nodes.Where(static n => n.Up && !n.Honest).Select(static n => n.Id).ToHashSet();
        var slots = simulation.Honest.SelectMany(static n => n.Router.MeshOf(GossipSimulation.Topic)).ToList();
        return attackers.Count == 0 || slots.Count == 0 ? null : (double)slots.Count(attackers.Contains) / slots.Count;
    }

    private static double? MeanScoreOfAttackers(GossipSimulation simulation)
    {
        var scores = simulation.Honest.SelectMany(static n => n.Links.Values.Select(l => l.Other(n)).Where(static o => !o.Honest).Select(o => n.Router.ScoreOf(o.Id))).ToList();
        return scores.Count == 0 ? null : scores.Average();
    }
}
