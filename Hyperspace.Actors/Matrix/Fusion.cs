using System.Collections.Immutable;

namespace Hyperspace.Actors.Matrix;

/// <summary>How the legs are mixed: each leg's factor beside the description's, which is 1.</summary>
/// <param name="Learned">Of what was learnt of use.</param>
/// <param name="Embedded">Of the embedder's vectors, if there are any.</param>
internal readonly record struct Mixture(double Learned, double Embedded);

/// <summary>
/// Chooses the mixture by validated accuracy: before an outcome is learnt, each mixture is asked where it would have ranked the
/// capability, and earns credit in whole numbers. Equal weights for all legs throttle what was learnt (on ToolE .63 instead of .85
/// nDCG@10 with 5,000 outcomes); trusting it blindly ruins the first searches. Immutable and pure.
/// </summary>
internal sealed record Fusion
{
    /// <summary>The mixtures to choose from; the first ones need no embedder.</summary>
    public static readonly ImmutableArray<Mixture> Mixtures =
    [
        .. from embedded in (double[])[0, 0.5, 1, 2, 4]
           from learned in (double[])[0, 8, 16, 32, 64, 128]
           select new Mixture(learned, embedded),
    ];

    /// <summary>How many of the mixtures need no embedder.</summary>
    public const int Plain = 6;

    /// <summary>What the first choice among equals is worth: as many outcomes have to speak for another.</summary>
    private const long Start = 20000;

    private const long FirstPlace = 1000;

    // After a bad outcome nobody knows whether another choice would have been right; sometimes it would.
    private const long OtherThanBad = 100;

    // Then all credits are halved, so that the last few hundred outcomes decide.
    private const int Memory = 512;

    /// <summary>Before anything was validated.</summary>
    public static readonly Fusion Untried = new(ImmutableArray.Create(new long[Mixtures.Length]).SetItem(3, Start).SetItem(Plain + Plain + 3, Start), 0);

    private Fusion(ImmutableArray<long> credits, int trials) => (Credits, Trials) = (credits, trials);

    /// <summary>What each mixture has earned.</summary>
    public ImmutableArray<long> Credits { get; }

    /// <summary>Outcomes since the credits were halved.</summary>
    public int Trials { get; }

    /// <summary>The mixture that has earned most, the first among equals.</summary>
    public Mixture Best(bool withEmbedder)
    {
        var best = withEmbedder ? Plain : 0;
        for (var i = best + 1; i < (withEmbedder ? Mixtures.Length : Plain); i++)
        {
            best = Credits[i] > Credits[best] ? i : best;
        }

        return Mixtures[best];
    }

    /// <summary>After an outcome.</summary>
    /// <param name="ranks">Where each mixture ranked the capability, from 1 on; 0: nowhere. Mixtures that were not asked are missing at the end.</param>
    /// <param name="good">Whether it was the right one.</param>
    public Fusion With(IReadOnlyList<int> ranks, bool good)
    {
        var halved = Trials + 1 >= Memory;
        var credits = Credits.ToBuilder();
        for (var i = 0; i < credits.Count; i++)
        {
            credits[i] += i >= ranks.Count ? 0 : good ? (ranks[i] == 0 ? 0 : FirstPlace / ranks[i]) : ranks[i] == 1 ? 0 : OtherThanBad;
            credits[i] /= halved ? 2 : 1;
        }

        return new Fusion(credits.MoveToImmutable(), halved ? 0 : Trials + 1);
    }

    /// <summary>As it was kept; anything that does not fit begins anew.</summary>
    public static Fusion Of(IReadOnlyList<long> credits, int trials) =>
        credits.Count == Mixtures.Length && credits.All(c => c >= 0) && trials is >= 0 and < Memory ? new Fusion([.. credits], trials) : Untried;
}
