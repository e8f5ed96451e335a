namespace Hyperspace.Actors.Reputation;

/// <summary>Outcomes that speak for and against someone; fractions come from fading.</summary>
internal readonly record struct Tally(double For, double Against)
{
    /// <summary>One outcome.</summary>
    public static Tally Of(bool good) => good ? new Tally(1, 0) : new Tally(0, 1);

    /// <summary>How many outcomes.</summary>
    public double Count => For + Against;

    /// <summary>Wilson's score bound: the least share of good outcomes that is still believable, at <paramref name="z"/> standard deviations. 0 of nothing.</summary>
    public double Lower(double z) => Count > 0 ? Math.Max(0, Centre(z) - Half(z)) : 0;

    /// <summary>The largest share of good outcomes that is still believable. 1 of nothing.</summary>
    public double Upper(double z) => Count > 0 ? Math.Min(1, Centre(z) + Half(z)) : 1;

    /// <summary>Both together.</summary>
    public static Tally operator +(Tally left, Tally right) => new(left.For + right.For, left.Against + right.Against);

    /// <summary>Each outcome counts <paramref name="factor"/> times.</summary>
    public static Tally operator *(Tally tally, double factor) => new(tally.For * factor, tally.Against * factor);

    /// <summary>The same share of good ones among at most <paramref name="count"/> outcomes.</summary>
    public Tally AtMost(double count) => Count > count ? this * (count / Count) : this;

    private double Centre(double z) => ((For / Count) + (z * z / (2 * Count))) / (1 + (z * z / Count));

    private double Half(double z)
    {
        var rate = For / Count;
        return z / (1 + (z * z / Count)) * Math.Sqrt((rate * (1 - rate) / Count) + (z * z / (4 * Count * Count)));
    }
}
