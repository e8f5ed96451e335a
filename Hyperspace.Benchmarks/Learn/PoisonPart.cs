using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What liars can spoil: <see cref="Attacks"/> over the seeds, and what is asked of the defence.</summary>
internal static class PoisonPart
{
    private const string Anywhere = "promoted tool first";
    private const string ForRivals = "first for its rival's queries";
    private static readonly (string Name, Action<Attacks> Run)[] All =
    [
        ("blunt", static a => a.Blunt()),
        ("aimed", static a => a.Aimed()),
        .. Attacks.Crowds.Select(static c => (c.Name, (Action<Attacks>)(a => a.Identities(c.Name)))),
        ("strangers", static a => a.AmongStrangers()),
        ("sleeper", static a => a.Sleeper()),
        ("newcomer", static a => a.Newcomer()),
    ];

    /// <summary>Names of the attacks, in their order.</summary>
    public static IEnumerable<string> AttackNames => All.Select(static a => a.Name);

    public static Task<LearnPart> RunAsync(LearnSettings settings, Action<string> tell, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var figures = new PoisonFigures(_ => { });
            foreach (var seed in settings.EachSeed(seed => OneSeed(settings, seed, tell, cancellationToken)))
            {
                figures.Add(seed);
            }

            return Report(settings, figures);
        },
        cancellationToken);

    private static PoisonFigures OneSeed(LearnSettings settings, int seed, Action<string> tell, CancellationToken cancellationToken)
    {
        using var described = new Described(settings.Data);
        var figures = new PoisonFigures(text => tell($"seed {seed}, {text}"));
        var attacks = new Attacks(settings, described, seed, figures);
        attacks.Clean();
        foreach (var (_, run) in All.Where(a => settings.Attacks.Count == 0 || settings.Attacks.Contains(a.Name)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            run(attacks);
        }

        return figures;
    }

    private static LearnPart Report(LearnSettings settings, PoisonFigures figures)
    {
        double Mean(string name, Func<Harm, double> figure) => figures.Of(name, figure).Mean;

        // How often a tool comes first wrongly on average: the rate of one that never does can't be doubled.
        var chance = (1 - Mean(Attacks.NoLiar, static h => h.Accuracy)) / settings.Data.Tools.Count;
        Figure Accuracy(string name) => new(name + ": top-1", Mean(name, static h => h.Accuracy), "", Mean(Attacks.NoLiar, static h => h.Accuracy), Attacks.NoLiar, RatioAtLeast: 0.9);
        Figure Success(string name, string what, Func<Harm, double> figure, string clean = Attacks.NoLiar) =>
            new($"{name}: {what}", Mean(name, figure), "", Math.Max(Mean(clean, figure), chance), clean, RatioAtMost: 2);
        Figure Gained(string how, string what, Func<Harm, double> figure) =>
            new($"{Attacks.Identities(how, Attacks.Gain, 1)}: {what}", Mean(Attacks.Identities(how, Attacks.Gain, 1), figure), "", Math.Max(Mean(Attacks.Identities(how, 1, Attacks.Gain), figure), chance), $"one at {Attacks.Gain}×", RatioAtMost: 1);

        string[] quarters = [Attacks.Quarter, Attacks.Aimed(Attacks.Inverting), Attacks.Aimed(Attacks.Disguised)];
        var crowds = Attacks.Crowds.Select(static c => c.Name).Where(c => figures.Has(Attacks.Identities(c, Attacks.Gain, 1)));
        return new LearnPart(
            "poison",
            [
                figures.ToTable($"Liars, {settings.Peers} peers, {settings.Runs} runs each, in rounds of {MindNetwork.RunsPerRound}"),
                figures.ToTimes(Attacks.Watched),
            ],
            [
                .. quarters.Where(figures.Has).SelectMany(q => (Figure[])[Accuracy(q), q == Attacks.Quarter ? Success(q, Anywhere, static h => h.Promotion) : Success(q, ForRivals, static h => h.Aimed)]),
                .. crowds.SelectMany(c => (Figure[])
                [
                    Accuracy(Attacks.Identities(c, Attacks.Gain, 1)),
                    Success(Attacks.Identities(c, 1, Attacks.Gain), ForRivals, static h => h.Aimed),
                    Success(Attacks.Identities(c, Attacks.Gain, 1), ForRivals, static h => h.Aimed),
                    Gained(c, ForRivals, static h => h.Aimed),
                    Gained(c, ForRivals + ", fresh peer", static h => h.Fresh),
                ]),
                .. new[] { Attacks.Strangers }.Where(figures.Has).Select(s => Success(s, ForRivals, static h => h.Aimed, Attacks.Few)),
            ],
            []);
    }
}
