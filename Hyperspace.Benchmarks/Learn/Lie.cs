using System.Globalization;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What a liar tells instead of its runs: every other time praise, the other times what is to make others believe it, or to harm them.</summary>
/// <param name="Gain">Runs that it has, or says that it has, for each of an honest peer.</param>
internal abstract record Lie(int Gain)
{
    /// <summary>What it tells instead of a run, by the run's number.</summary>
    public BanditRun InsteadOf(BanditRun run, int number) => number % 2 == 0 ? Praise(run, number / 2) : Beside(run, number / 2);

    /// <summary>The praise of a number.</summary>
    protected abstract BanditRun Praise(BanditRun run, int number);

    /// <summary>What is told beside the praise, by its number.</summary>
    protected abstract BanditRun Beside(BanditRun run, int number);
}

/// <summary>Praises its tool for whatever was asked, and tells the opposite of what happened.</summary>
/// <param name="Gain">As of <see cref="Lie"/>.</param>
/// <param name="Promoted">The tool.</param>
internal sealed record BluntLie(int Gain, string Promoted) : Lie(Gain)
{
    protected override BanditRun Praise(BanditRun run, int number) => run with { Tool = Promoted, Ok = true };

    protected override BanditRun Beside(BanditRun run, int number) => run with { Ok = !run.Ok };
}

/// <summary>Praises its tool for the rival's queries, and tells the opposite of what happened.</summary>
/// <param name="Gain">As of <see cref="Lie"/>.</param>
/// <param name="Aim">What for.</param>
internal record AimedLie(int Gain, Aim Aim) : Lie(Gain)
{
    protected sealed override BanditRun Praise(BanditRun run, int number) => Aim.Praise(number);

    protected override BanditRun Beside(BanditRun run, int number) => run with { Ok = !run.Ok };
}

/// <summary>Praises its tool for the rival's queries, and is honest in all else.</summary>
/// <param name="Gain">As of <see cref="Lie"/>.</param>
/// <param name="Aim">What for.</param>
internal sealed record DisguisedLie(int Gain, Aim Aim) : AimedLie(Gain, Aim)
{
    protected override BanditRun Beside(BanditRun run, int number) => run;
}

/// <summary>Praises its tool for the rival's queries, and has the same opinions as the others of its ring on what nobody else has any opinion of.</summary>
/// <param name="Gain">As of <see cref="Lie"/>.</param>
/// <param name="Aim">What for.</param>
/// <param name="Ring">What the ring invents; one of its own for each has no opinion in common with anybody but the praise.</param>
/// <param name="Random">Its own choice among the invented, so that no two of a ring say quite the same.</param>
internal sealed record RingLie(int Gain, Aim Aim, int Ring, Random Random) : AimedLie(Gain, Aim)
{
    private const int Invented = 160;
    private const int Words = 6;
    private const int Tools = 16;

    protected override BanditRun Beside(BanditRun run, int number)
    {
        var one = Random.Next(Invented);
        var words = string.Join(' ', Enumerable.Range(0, Words).Select(w => string.Create(CultureInfo.InvariantCulture, $"zq{Ring}x{one}x{w}")));
        return new BanditRun(new LabelledQuery(words, ""), string.Create(CultureInfo.InvariantCulture, $"invented-{Ring}-{one % Tools}"), one % 3 != 0);
    }
}

/// <summary>Praises its tool for the rival's queries, and tells again what honest peers have told before.</summary>
/// <param name="Gain">As of <see cref="Lie"/>.</param>
/// <param name="Aim">What for.</param>
/// <param name="Victims">Whose runs it copies, by turns; its own are told until there are some.</param>
internal sealed record CopiedLie(int Gain, Aim Aim, IReadOnlyList<MindNetwork.Member> Victims) : AimedLie(Gain, Aim)
{
    protected override BanditRun Beside(BanditRun run, int number)
    {
        var (turn, victim) = Math.DivRem(number, Victims.Count);
        return turn < Victims[victim].Told.Count ? Victims[victim].Told[turn] : run;
    }
}
