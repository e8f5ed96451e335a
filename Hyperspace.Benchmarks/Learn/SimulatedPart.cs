using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Benchmarks.Simulation;
using Hyperspace.Benchmarks.Simulation.Gossip;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// Many peers under virtual time: the real router and the real signed deltas, the pure model behind. After a round every peer has
/// heard every other; it is waited for, and an error when it does not come about. So that it fits in memory, the sums of an author are
/// the same objects at all peers, and only a sample of the peers keeps a mind: the others choose as the sampled ones do.
/// </summary>
internal static class SimulatedPart
{
    private const int Seed = 1;
    private const int Rounds = 2;
    private const int Dials = 20;
    private const int Sample = 4;
    private const int LookEveryMs = 100;
    private const int WarmUpMs = 20_000;
    private const int PatienceMs = 60_000;

    // As long as a peer gathers outcomes before it tells them.
    private const int GatherMs = 1_500;

    public static Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken) =>
        Task.Run(() => Run(settings, tell, cancellationToken), cancellationToken);

    private static LearnPart Run(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken)
    {
        using var described = new Described(settings.Data);
        var split = settings.Data.Split(Seed);
        var judged = split.HeldOut[..settings.Judged];
        var simulation = new GossipSimulation(Seed);
        var peers = Join(simulation, settings, described, split);
        var sample = peers.Take(Sample).Select(static p => p.Mind).ToList();
        var control = new Mind("all", described, trusting: false, new Random(Seed));
        var rows = new List<IReadOnlyList<string>>();
        double accuracy, ofControl, bytesPerRun, quietSeconds, lone;
        (accuracy, ofControl, bytesPerRun, quietSeconds) = (0, 0, 0, 0);
        lone = sample[0].Judge(judged).Accuracy;
        var random = new Random(Seed);
        for (var round = 1; round <= Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            foreach (var (peer, i) in peers.Select(static (p, i) => (p, i)))
            {
                cancellationToken.ThrowIfCancellationRequested();
                peer.Run(sample[i % sample.Count], control);
            }

            var before = simulation.Traffic;
            quietSeconds = Exchange(simulation, peers, random) / 1000.0;
            bytesPerRun = (simulation.Traffic - before).Bytes / ((double)peers.Count * MindNetwork.RunsPerRound);
            foreach (var mind in sample)
            {
                foreach (var other in peers.Where(p => p.Mind.Name != mind.Name))
                {
                    mind.Hear(other.Mind);
                }

                mind.Look(DateTimeOffset.UnixEpoch.AddMilliseconds(simulation.Now));
            }

            accuracy = sample.Average(m => m.Judge(judged).Accuracy);
            ofControl = control.Judge(judged).Accuracy;
            var runs = round * MindNetwork.RunsPerRound;
            rows.Add([.. new[] { runs, accuracy, ofControl, bytesPerRun, quietSeconds }.Select((v, i) => v.ToString(i is 1 or 2 ? "0.000" : i == 4 ? "0.0" : "#,0", CultureInfo.InvariantCulture))]);
            tell(string.Create(CultureInfo.InvariantCulture, $"{runs} runs per peer: {accuracy:0.000}, {ofControl:0.000} with all in one place, {bytesPerRun:#,0} bytes per run, quiet after {quietSeconds:0.0} virtual s; {clock.Elapsed.TotalSeconds:0} s"));
        }

        return new LearnPart(
            "sim",
            [
                new LearnTable(
                    string.Create(CultureInfo.InvariantCulture, $"{peers.Count:#,0} peers in the simulator, one seed; {lone:0.000} before any run; {sample.Count} peers judged"),
                    ["runs per peer", "held-out top-1", "all in one place", "bytes gossiped per run", "virtual s until all have all"],
                    rows),
            ],
            [
                new Figure(string.Create(CultureInfo.InvariantCulture, $"{peers.Count:#,0} simulated peers: top-1"), accuracy, "", ofControl, "all in one place", RatioAtLeast: 0.95),
                new Figure("the same: bytes gossiped per run, over all links", bytesPerRun, "B"),
                new Figure("the same: bytes gossiped per run, of each peer that hears of it", bytesPerRun / peers.Count, "B"),
                new Figure("the same: virtual time until all have all", quietSeconds, "s"),
            ],
            []);
    }

    private static List<SimulatedPeer> Join(GossipSimulation simulation, LearnSettings settings, Described described, QuerySplit split)
    {
        string[] tools = [.. settings.Data.Tools.Keys.Select(LearnPeer.NameOf)];
        var peers = new List<SimulatedPeer>();
        for (var i = 0; i < settings.Simulated; i++)
        {
            var node = simulation.Join(new RouterNode(simulation, i), Math.Min(Dials, (settings.Simulated - 1) / 2));
            peers.Add(new SimulatedPeer(node, new Mind(node.Id.ToString(), described, trusting: true, new Random(i)), new BanditAgent(split.Train, [.. tools], BanditAgent.SeedOf(Seed, i))));
        }

        List<GossipNode> nodes = [.. peers.Select(static p => p.Node)];
        simulation.ConnectAtRandom(nodes, nodes);
        simulation.Run(WarmUpMs);
        return peers;
    }

    /// <summary>Every peer tells its news at some time while it gathers. Returns the virtual milliseconds from the last one's telling until all had all.</summary>
    private static long Exchange(GossipSimulation simulation, List<SimulatedPeer> peers, Random random)
    {
        var tracks = new List<MessageTrack>();
        foreach (var peer in peers)
        {
            simulation.After(random.Next(GatherMs), () => tracks.Add(simulation.Publish(peer.Node, peer.Delta((ulong)simulation.Now))));
        }

        simulation.Run(GatherMs);
        var told = simulation.Now;
        var missing = tracks;
        while (missing.Count > 0)
        {
            if (simulation.Now - told > PatienceMs)
            {
                throw new TimeoutException($"After {PatienceMs / 1000} virtual seconds {missing.Count} of {tracks.Count} deltas are not everywhere.");
            }

            simulation.Run(LookEveryMs);
            missing = [.. missing.Where(t => peers.Any(p => t.LatencyTo(p.Node.Number) is null))];
        }

        tracks.ForEach(simulation.Forget);
        return simulation.Now - told;
    }

    /// <summary>A simulated peer: its router, what it has learnt itself, its agent.</summary>
    private sealed class SimulatedPeer(RouterNode node, Mind mind, BanditAgent agent)
    {
        private readonly HashSet<string> _untold = new(StringComparer.Ordinal);

        public RouterNode Node => node;

        public Mind Mind => mind;

        /// <summary>So many runs, chosen as <paramref name="chooser"/> does, which has heard the same.</summary>
        public void Run(Mind chooser, Mind control)
        {
            for (var i = 0; i < MindNetwork.RunsPerRound; i++)
            {
                var query = agent.Next();
                var run = agent.Run(query with { Tool = LearnPeer.NameOf(query.Tool) }, chooser.First(query.Text));
                _untold.Add(run.Tool);
                control.Learn(run);
                if (ReferenceEquals(chooser, mind))
                {
                    mind.Learn(run);
                }
                else
                {
                    mind.Tell(run);
                }
            }
        }

        /// <summary>What it has not told yet, signed as a peer signs it.</summary>
        public byte[] Delta(ulong now)
        {
            var delta = new MatrixDelta { Sums = { _untold.Order(StringComparer.Ordinal).Select(t => mind.Model.Find(mind.Name, t).ToWire(t)) } };
            _untold.Clear();
            using var keys = SimulatedPeers.Keys(node.Number);
            return SignedEnvelope.Seal(keys, EnvelopeTypes.MatrixDelta, delta.ToByteArray(), new HybridTime(now, 0)).Bytes.ToArray();
        }
    }
}
