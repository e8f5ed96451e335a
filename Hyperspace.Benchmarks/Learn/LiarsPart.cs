using System.Globalization;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What the rounds of <see cref="PoisonPart"/> show, once more on whole peers over TCP: the liars are peers that sign what they tell.</summary>
internal static class LiarsPart
{
    private const int Seed = 1;
    private const int Gain = 10;
    private const int JudgedPeers = 4;

    public static async Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken)
    {
        var clean = await MeasureAsync(settings, 0, tell, cancellationToken);
        var lied = await MeasureAsync(settings, settings.Peers / 4, tell, cancellationToken);
        string[] Row(string name, (double Accuracy, double Success) m) => [name, m.Accuracy.ToString("0.000", CultureInfo.InvariantCulture), m.Success.ToString("0.000", CultureInfo.InvariantCulture)];
        var usual = Math.Max(clean.Success, (1 - clean.Accuracy) / settings.Data.Tools.Count);
        return new LearnPart(
            "liars",
            [
                new LearnTable(
                    $"Liars among {settings.Peers} whole peers over TCP, {settings.Runs} runs each, one seed",
                    ["", "held-out top-1 of honest peers", "the promoted tool first for its rival's queries"],
                    [Row("no liar", clean), Row($"a quarter lies at {Gain}×", lied)]),
            ],
            [
                new Figure($"whole peers, a quarter lies at {Gain}×: top-1", lied.Accuracy, "", clean.Accuracy, "no liar", RatioAtLeast: 0.9),
                new Figure("the same: the promoted tool first for its rival's queries", lied.Success, "", usual, "no liar", RatioAtMost: 2),
            ],
            []);
    }

    private static async Task<(double Accuracy, double Success)> MeasureAsync(LearnSettings settings, int liars, Action<string> tell, CancellationToken cancellationToken)
    {
        await using var network = await LearnNetwork.StartAsync(settings, Seed, settings.Peers, 0, cancellationToken);
        var lie = new AimedLie(Gain, Aim.Of(network.Tools, network.Split, Seed));
        var told = new int[settings.Peers];
        await network.RunAsync(
            i => settings.Runs * (i < liars ? Gain : 1),
            (i, run) =>
            {
                var said = i < liars ? lie.InsteadOf(run, told[i]++) : run;
                network.Peers[i].Observe(said.Query.Text, network.IdOf(said.Tool), said.Ok);
                return Task.CompletedTask;
            },
            cancellationToken);
        var quiet = await network.QuiesceAsync(cancellationToken) ?? throw new TimeoutException("The peers' models did not become the same.");
        await network.WeighedAsync(cancellationToken);
        var (accuracies, successes) = (new List<double>(), new List<double>());
        foreach (var honest in network.Peers.TakeLast(JudgedPeers))
        {
            accuracies.Add((await network.JudgeAsync(honest, cancellationToken)).Accuracy);
            var firsts = await honest.FirstOfAllAsync(lie.Aim.HeldOut, cancellationToken);
            successes.Add(firsts.Count(f => f == lie.Aim.Promoted) / (double)firsts.Length);
        }

        var (accuracy, success) = (accuracies.Average(), successes.Average());
        tell(string.Create(CultureInfo.InvariantCulture, $"{liars} of {settings.Peers} lie: {accuracy:0.000}, the promoted tool is first for {success:0.000} of its rival's queries; quiet after {quiet.TotalSeconds:0.0} s"));
        return (accuracy, success);
    }
}
