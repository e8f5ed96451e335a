using System.Globalization;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What liars can spoil: rounds of the pure model under the rules of trust.</summary>
internal static class PoisonPart
{
    private const int Gain = 10;
    private const int JudgedPeers = 4;
    private const int Awake = 500;
    private const int Watched = 240;
    private const int LookEvery = 48;
    private const int FewRuns = 4;
    private const int JudgedOften = 500;
    private const double Recovered = 0.98;
    private const double Trusted = 0.5;
    private const string Clean = "no liar";
    private static readonly string Lied = $"a quarter lies at {Gain}×";

    public static Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var figures = new Figures(_ => { });
            foreach (var seed in settings.EachSeed(seed => OneSeed(settings, seed, tell, cancellationToken)))
            {
                figures.Add(seed);
            }

            return Report(settings, figures);
        },
        cancellationToken);

    private static Figures OneSeed(LearnSettings settings, int seed, Action<string> tell, CancellationToken cancellationToken)
    {
        using var described = new Described(settings.Data);
        var figures = new Figures(text => tell($"seed {seed}, {text}"));
        foreach (var scenario in (Action<LearnSettings, Described, int, Figures>[])[Quarter, Sybils, Sleeper, Newcomer])
        {
            cancellationToken.ThrowIfCancellationRequested();
            scenario(settings, described, seed, figures);
        }

        return figures;
    }

    private static void Quarter(LearnSettings settings, Described described, int seed, Figures figures)
    {
        foreach (var (name, liars, trusting) in (ReadOnlySpan<(string, int, bool)>)[(Clean, 0, true), (Lied, settings.Peers / 4, true), ($"{Lied}, all trusted", settings.Peers / 4, false), ($"half lie at {Gain}×", settings.Peers / 2, true)])
        {
            var network = new MindNetwork(settings.Data, described, seed, settings.Peers, trusting);
            Corrupt(network, liars, Gain);
            network.Run(settings.Runs);
            figures.Add(name, network.Judge(settings.Judged, JudgedPeers));
        }
    }

    private static void Sybils(LearnSettings settings, Described described, int seed, Figures figures)
    {
        foreach (var (liars, gain) in (ReadOnlySpan<(int, int)>)[(1, Gain), (Gain, 1)])
        {
            var network = new MindNetwork(settings.Data, described, seed, settings.Peers + liars);
            Corrupt(network, liars, gain);
            network.Run(settings.Runs);
            figures.Add(Identities(liars, gain), network.Judge(settings.Judged, JudgedPeers));
        }
    }

    private static void Sleeper(LearnSettings settings, Described described, int seed, Figures figures)
    {
        var clean = new MindNetwork(settings.Data, described, seed, settings.Peers);
        var network = new MindNetwork(settings.Data, described, seed, settings.Peers);
        clean.Run(Awake);
        network.Run(Awake);
        Corrupt(network, settings.Peers / 4, Gain);
        var recovered = 0;
        var judged = Math.Min(settings.Judged, JudgedOften);
        for (var since = MindNetwork.RunsPerRound; since <= Watched; since += MindNetwork.RunsPerRound)
        {
            clean.Run(MindNetwork.RunsPerRound);
            network.Run(MindNetwork.RunsPerRound);
            var honest = network.Honest.Take(JudgedPeers).Select(static m => m.Name).ToHashSet(StringComparer.Ordinal);
            var best = clean.Members.Where(m => honest.Contains(m.Mind.Name)).Average(m => m.Mind.Judge(clean.Split.HeldOut[..judged]).Accuracy);
            var (accuracy, promotion) = network.Judge(judged, JudgedPeers);
            recovered = accuracy >= Recovered * best ? recovered : since;
            if (since % LookEvery == 0 || since == MindNetwork.RunsPerRound)
            {
                figures.Add($"{since} runs after 25 % flip", (accuracy / best, promotion));
            }
        }

        figures.Recovery.Add(recovered == 0 ? 0 : recovered + MindNetwork.RunsPerRound);
    }

    private static void Newcomer(LearnSettings settings, Described described, int seed, Figures figures)
    {
        var network = new MindNetwork(settings.Data, described, seed, settings.Peers);
        network.Run(settings.Runs);
        var newcomer = network.Join();
        for (var runs = FewRuns; runs <= Watched; runs += FewRuns)
        {
            network.Run(FewRuns);
            var weights = network.Honest.Where(m => m != newcomer.Mind).Select(m => m.WeightOf(newcomer.Mind.Name)).Order().ToList();
            if (weights[weights.Count / 2] > Trusted)
            {
                figures.TimeToTrust.Add(runs);
                return;
            }
        }

        figures.TimeToTrust.Add(double.PositiveInfinity);
    }

    private static void Corrupt(MindNetwork network, int liars, int gain)
    {
        foreach (var member in network.Members.Take(liars))
        {
            member.Lie = new Lie(gain, network.Promoted);
        }
    }

    private static LearnPart Report(LearnSettings settings, Figures figures)
    {
        var clean = figures.Of(Clean);
        var lied = figures.Of(Lied);
        var one = figures.Of(Identities(1, Gain));
        var ten = figures.Of(Identities(Gain, 1));
        return new LearnPart(
            "poison",
            [
                new LearnTable(
                    $"Liars, {settings.Peers} peers, {settings.Runs} runs each, in rounds of {MindNetwork.RunsPerRound}; accuracy is that of honest peers, after the flip as a share of the clean twin's",
                    ["", "held-out top-1", "the promoted tool ranks first"],
                    [.. figures.Names.Select(n => (IReadOnlyList<string>)[n, figures.Of(n).Accuracy.ToString(), figures.Of(n).Promotion.ToString()])]),
                new LearnTable(
                    "Time",
                    ["", "runs"],
                    [
                        [$"from the flip of a quarter, after {Awake} honest runs, until {Recovered:0%} of the clean twin's accuracy is back for good", Spread.Of(figures.Recovery).ToString("0")],
                        [$"an honest newcomer's until its median weight is over {Trusted.ToString(CultureInfo.InvariantCulture)}", Spread.Of(figures.TimeToTrust).ToString("0")],
                    ]),
            ],
            [
                new Figure(Lied + ": top-1", lied.Accuracy.Mean, "", clean.Accuracy.Mean, Clean, RatioAtLeast: 0.9),
                new Figure(Lied + ": attack success", lied.Promotion.Mean, "", Math.Max(clean.Promotion.Mean, Chance(settings, clean.Accuracy)), Clean, RatioAtMost: 2),
                new Figure($"{Gain} identities at 1×: attack success", ten.Promotion.Mean, "", Math.Max(one.Promotion.Mean, Chance(settings, clean.Accuracy)), $"one at {Gain}×", RatioAtMost: 1),
                new Figure($"{Gain} identities at 1×: top-1", ten.Accuracy.Mean, "", one.Accuracy.Mean, $"one at {Gain}×"),
            ],
            []);
    }

    /// <summary>How often a tool comes first wrongly on average: the rate of one that never does can't be doubled.</summary>
    private static double Chance(LearnSettings settings, Spread accuracy) => (1 - accuracy.Mean) / settings.Data.Tools.Count;

    private static string Identities(int liars, int gain) => $"{liars} more at {gain}×";

    /// <summary>What the scenarios gave, by name in the order of their first seed.</summary>
    private sealed class Figures(Action<string> tell)
    {
        private readonly List<(string Name, List<double> Accuracies, List<double> Promotions)> _all = [];

        public List<double> Recovery { get; } = [];

        public List<double> TimeToTrust { get; } = [];

        public IEnumerable<string> Names => _all.Select(static f => f.Name);

        public void Add(string name, (double Accuracy, double Promotion) judged)
        {
            var at = _all.FindIndex(f => f.Name == name);
            if (at < 0)
            {
                at = _all.Count;
                _all.Add((name, [], []));
            }

            _all[at].Accuracies.Add(judged.Accuracy);
            _all[at].Promotions.Add(judged.Promotion);
            tell(string.Create(CultureInfo.InvariantCulture, $"{name}: {judged.Accuracy:0.000}, {judged.Promotion:0.0000}"));
        }

        public void Add(Figures other)
        {
            Recovery.AddRange(other.Recovery);
            TimeToTrust.AddRange(other.TimeToTrust);
            foreach (var (name, accuracies, promotions) in other._all)
            {
                foreach (var judged in accuracies.Zip(promotions))
                {
                    Add(name, judged);
                }
            }
        }

        public (Spread Accuracy, Spread Promotion) Of(string name)
        {
            var (_, accuracies, promotions) = _all.Find(f => f.Name == name);
            return (Spread.Of(accuracies), Spread.Of(promotions));
        }
    }
}
