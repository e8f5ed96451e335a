using System.Globalization;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// The curve without a network in between: all hear all after every round, so it shows what sharing gives when nothing is
/// late, what trust costs, and what peers learn alone.
/// </summary>
internal static class RoundsPart
{
    private const int JudgedPeers = 4;

    private const string Gossiping = "gossiping";
    private const string Credulous = "gossiping, all trusted";
    private const string Isolated = "isolated";
    private const string InOnePlace = "all in one place";

    public static Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var curves = new CurveTable([Gossiping, Credulous, Isolated, InOnePlace]);
            foreach (var (kind, runs, accuracy) in settings.EachSeed(seed => OneSeed(settings, seed, tell, cancellationToken)).SelectMany(static s => s))
            {
                curves.Add(kind, runs, accuracy);
            }

            var last = settings.Runs;
            return new LearnPart(
                "rounds",
                [curves.ToTable($"Held-out top-1, {settings.Peers} peers, exchange in rounds of {MindNetwork.RunsPerRound} runs, without a network")],
                [
                    new Figure("exchange in rounds: top-1", curves.At(Gossiping, last).Mean, "", curves.At(InOnePlace, last).Mean, InOnePlace, RatioAtLeast: 0.95),
                    new Figure("the same", curves.At(Gossiping, last).Mean, "", curves.At(Isolated, last).Mean, Isolated, RatioAtLeast: 1.25),
                ],
                []);
        },
        cancellationToken);

    private static List<(string Kind, int Runs, double Accuracy)> OneSeed(LearnSettings settings, int seed, Action<string> tell, CancellationToken cancellationToken)
    {
        using var described = new Described(settings.Data);
        var trusting = new MindNetwork(settings.Data, described, seed, settings.Peers);
        var credulous = new MindNetwork(settings.Data, described, seed, settings.Peers, trusting: false);
        var isolated = Enumerable.Range(0, JudgedPeers).Select(i => new MindNetwork(settings.Data, described, seed, 1, firstAgent: i)).ToList();
        var all = new Mind("all", described, trusting: false, new Random(seed));
        trusting.Listener = all.Learn;
        var found = new List<(string Kind, int Runs, double Accuracy)>();
        var done = 0;
        foreach (var look in settings.Checkpoints)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var network in isolated.Append(trusting).Append(credulous))
            {
                network.Run(look - done);
            }

            List<(string Kind, int Runs, double Accuracy)> now =
            [
                (Gossiping, look, trusting.Judge(settings.Judged, JudgedPeers).Accuracy),
                (Credulous, look, credulous.Judge(settings.Judged, JudgedPeers).Accuracy),
                (Isolated, look, isolated.Average(n => n.Judge(settings.Judged, 1).Accuracy)),
                (InOnePlace, look, all.Judge(trusting.Split.HeldOut[..settings.Judged]).Accuracy),
            ];
            found.AddRange(now);
            tell($"seed {seed}, {look} runs per peer: {string.Join(", ", now.Select(static n => string.Create(CultureInfo.InvariantCulture, $"{n.Accuracy:0.000} {n.Kind}")))}");
            done = look;
        }

        return found;
    }
}
