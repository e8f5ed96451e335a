using System.Globalization;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// The curve without a network in between: all hear all after every round, so it shows what sharing gives when nothing is
/// late, what trust costs, and what peers learn alone.
/// </summary>
internal static class RoundsPart
{
    private const int JudgedPeers = 4;

    public static Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            using var described = new Described(settings.Data);
            var curves = new CurveTable(["gossiping", "gossiping, all trusted", "isolated", "all in one place"]);
            for (var seed = 1; seed <= settings.Seeds; seed++)
            {
                var trusting = new MindNetwork(settings.Data, described, seed, settings.Peers);
                var credulous = new MindNetwork(settings.Data, described, seed, settings.Peers, trusting: false);
                var isolated = Enumerable.Range(0, JudgedPeers).Select(i => new MindNetwork(settings.Data, described, seed, 1, firstAgent: i)).ToList();
                var all = new Mind("all", described, trusting: false, new Random(seed));
                trusting.Listener = all.Learn;
                var done = 0;
                foreach (var look in settings.Checkpoints)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    foreach (var network in isolated.Append(trusting).Append(credulous))
                    {
                        network.Run(look - done);
                    }

                    curves.Add("gossiping", look, trusting.Judge(settings.Judged, JudgedPeers).Accuracy);
                    curves.Add("gossiping, all trusted", look, credulous.Judge(settings.Judged, JudgedPeers).Accuracy);
                    curves.Add("isolated", look, isolated.Average(n => n.Judge(settings.Judged, 1).Accuracy));
                    curves.Add("all in one place", look, all.Judge(trusting.Split.HeldOut[..settings.Judged]).Accuracy);
                    tell(string.Create(CultureInfo.InvariantCulture, $"seed {seed}, {look} runs per peer: {curves.LastOf(look)}"));
                    done = look;
                }
            }

            return new LearnPart("rounds", [curves.ToTable($"Held-out top-1, {settings.Peers} peers, exchange in rounds of {MindNetwork.RunsPerRound} runs, without a network")], [], []);
        },
        cancellationToken);
}
