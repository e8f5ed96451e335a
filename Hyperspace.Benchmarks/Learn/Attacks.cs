using System.Globalization;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>Networks under attack, one seed each: rounds of the pure model under the rules of trust.</summary>
/// <param name="settings">How large.</param>
/// <param name="described">What tools say of themselves.</param>
/// <param name="seed">Which.</param>
/// <param name="figures">Takes what came out.</param>
internal sealed class Attacks(LearnSettings settings, Described described, int seed, PoisonFigures figures)
{
    /// <summary>Outcomes that loud liars tell for each of an honest peer; and identities of those that tell as many together.</summary>
    public const int Gain = 10;

    /// <summary>Runs that are watched for something to come about.</summary>
    public const int Watched = 240;

    /// <summary>Honest runs of sleepers.</summary>
    public const int Awake = 500;

    /// <summary>The share of the clean twin's accuracy that is as good as all of it.</summary>
    public const double Recovered = 0.98;

    /// <summary>The weight from which a newcomer is one of them.</summary>
    public const double Trusted = 0.5;

    public const string NoLiar = "no liar";
    public const string Credulous = ", all trusted";
    public const string Inverting = "and invert the rest";
    public const string Disguised = "and are honest in the rest";
    public const string Few = "two peers alone";
    public static readonly string Strangers = $"{Few} among {ManyStrangers} strangers who have no more in common than their praise";
    public static readonly string Quarter = $"a quarter lies at {Gain}×";
    public static readonly string Half = $"half lie at {Gain}×";

    /// <summary>What many identities do, and how the liar of a number does it.</summary>
    public static readonly IReadOnlyList<(string Name, Func<MindNetwork, int, int, Lie> LieOf)> Crowds =
    [
        ("naive", (network, gain, _) => new AimedLie(gain, network.Aim)),
        ("disguised", (network, gain, _) => new DisguisedLie(gain, network.Aim)),
        ("ring", (network, gain, number) => new RingLie(gain, network.Aim, 0, new Random(number))),
        ("copycats", (network, gain, number) => new CopiedLie(gain, network.Aim, VictimsOf(network, gain, number))),
    ];

    private const int FewPeers = 2;
    private const int ManyStrangers = 40;
    private const int JudgedPeers = 4;
    private const int JudgedOften = 500;
    private const int LookEvery = 48;
    private const int FewRuns = 4;

    /// <summary>A quarter of the peers, aiming at a rival's queries.</summary>
    public static string Aimed(string how) => $"a quarter at {Gain}× praise one tool for another's queries {how}";

    /// <summary>More peers that all lie.</summary>
    public static string Identities(string how, int liars, int gain) => $"{how}: {liars} more at {gain}×";

    public void Clean() => figures.Add(NoLiar, Run(settings.Peers, 0, static (network, _) => new BluntLie(1, network.Aim.Promoted)));

    public void Blunt()
    {
        foreach (var (name, liars, trusting) in (ReadOnlySpan<(string, int, bool)>)[(Quarter, settings.Peers / 4, true), (Quarter + Credulous, settings.Peers / 4, false), (Half, settings.Peers / 2, true)])
        {
            figures.Add(name, Run(settings.Peers, liars, (network, _) => new BluntLie(Gain, network.Aim.Promoted), trusting));
        }
    }

    public void Aimed()
    {
        foreach (var trusting in (ReadOnlySpan<bool>)[true, false])
        {
            var beside = trusting ? "" : Credulous;
            figures.Add(Aimed(Inverting) + beside, Run(settings.Peers, settings.Peers / 4, (network, _) => new AimedLie(Gain, network.Aim), trusting));
            figures.Add(Aimed(Disguised) + beside, Run(settings.Peers, settings.Peers / 4, (network, _) => new DisguisedLie(Gain, network.Aim), trusting));
        }
    }

    /// <summary>Ten more identities beside one more that tells as much.</summary>
    /// <param name="how">One of <see cref="Crowds"/>.</param>
    public void Identities(string how)
    {
        var lieOf = Crowds.First(c => c.Name == how).LieOf;
        foreach (var (liars, gain) in (ReadOnlySpan<(int, int)>)[(1, Gain), (Gain, 1)])
        {
            var name = Identities(how, liars, gain);
            figures.Add(name, Run(settings.Peers + liars, liars, (network, number) => lieOf(network, gain, number), early: harm => figures.Add(name + $", {MindNetwork.RunsPerRound} runs", harm)));
        }

        figures.Add(Identities(how, Gain, 1) + Credulous, Run(settings.Peers + Gain, Gain, (network, number) => lieOf(network, 1, number), trusting: false));
    }

    /// <summary>Who knows nobody to confirm anybody hears many at once.</summary>
    public void AmongStrangers()
    {
        static Lie LieOf(MindNetwork network, int number) => new RingLie(1, network.Aim, number, new Random(number));
        figures.Add(Few, Run(FewPeers, 0, LieOf));
        figures.Add(Strangers, Run(FewPeers + ManyStrangers, ManyStrangers, LieOf, early: harm => figures.Add($"{Strangers}, {MindNetwork.RunsPerRound} runs", harm)));
        figures.Add(Strangers + Credulous, Run(FewPeers + ManyStrangers, ManyStrangers, LieOf, trusting: false));
    }

    public void Sleeper()
    {
        var clean = new MindNetwork(settings.Data, described, seed, settings.Peers);
        var network = new MindNetwork(settings.Data, described, seed, settings.Peers);
        clean.Run(Awake);
        network.Run(Awake);
        Corrupt(network, settings.Peers / 4, static (network, _) => new BluntLie(Gain, network.Aim.Promoted));
        var under = 0;
        var judged = Math.Min(settings.Judged, JudgedOften);
        for (var since = MindNetwork.RunsPerRound; since <= Watched; since += MindNetwork.RunsPerRound)
        {
            clean.Run(MindNetwork.RunsPerRound);
            network.Run(MindNetwork.RunsPerRound);
            var honest = network.Honest.Take(JudgedPeers).Select(static m => m.Name).ToHashSet(StringComparer.Ordinal);
            var best = clean.Members.Where(m => honest.Contains(m.Mind.Name)).Average(m => m.Mind.Judge(clean.Split.HeldOut[..judged]).Accuracy);
            var harm = network.Judge(judged, JudgedPeers);
            under = harm.Accuracy >= Recovered * best ? under : since;
            if (since % LookEvery == 0 || since == MindNetwork.RunsPerRound)
            {
                figures.Add($"{since} runs after a quarter turns (top-1: share of the clean twin's)", harm with { Accuracy = harm.Accuracy / best });
            }
        }

        figures.Add($"{Recovered:0%} of the clean twin's accuracy is back for good, after a quarter turned that was honest for {Awake} runs", Recovery(under));
    }

    /// <summary>Runs until it is back for good; infinitely many when it was not when it was last looked.</summary>
    /// <param name="under">Runs after which it was last seen to be gone; 0: never.</param>
    public static double Recovery(int under) => under + MindNetwork.RunsPerRound > Watched ? double.PositiveInfinity : under == 0 ? 0 : under + MindNetwork.RunsPerRound;

    public void Newcomer()
    {
        foreach (var (name, liars) in (ReadOnlySpan<(string, int)>)[(NoLiar, 0), (Quarter, settings.Peers / 4)])
        {
            var network = new MindNetwork(settings.Data, described, seed, settings.Peers);
            Corrupt(network, liars, static (network, _) => new BluntLie(Gain, network.Aim.Promoted));
            network.Run(settings.Runs);
            figures.Add(string.Create(CultureInfo.InvariantCulture, $"an honest newcomer's median weight is over {Trusted}; {name}"), Earned(network));
        }
    }

    private static double Earned(MindNetwork network)
    {
        var newcomer = network.Join();
        for (var runs = FewRuns; runs <= Watched; runs += FewRuns)
        {
            network.Run(FewRuns);
            if (PoisonFigures.MedianOf(network.Honest.Where(m => m != newcomer.Mind).Select(m => m.WeightOf(newcomer.Mind.Name))) > Trusted)
            {
                return runs;
            }
        }

        return double.PositiveInfinity;
    }

    private Harm Run(int peers, int liars, Func<MindNetwork, int, Lie> lieOf, bool trusting = true, Action<Harm>? early = null)
    {
        var network = new MindNetwork(settings.Data, described, seed, peers, trusting);
        Corrupt(network, liars, lieOf);
        network.Run(settings.Runs, done =>
        {
            if (done == MindNetwork.RunsPerRound)
            {
                early?.Invoke(network.Judge(settings.Judged, JudgedPeers));
            }
        });
        return network.Judge(settings.Judged, JudgedPeers);
    }

    // One copycat of all honest peers, or each of ten of another.
    private static List<MindNetwork.Member> VictimsOf(MindNetwork network, int gain, int number)
    {
        var honest = network.Members.Skip(gain > 1 ? 1 : Gain).ToList();
        return gain > 1 ? honest : [honest[number % honest.Count]];
    }

    private static void Corrupt(MindNetwork network, int liars, Func<MindNetwork, int, Lie> lieOf)
    {
        for (var i = 0; i < liars; i++)
        {
            network.Members[i].Lie = lieOf(network, i);
        }
    }
}
