namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>How often charges are looked at, and how long they wait for their chain.</summary>
internal sealed record ChargeTimes
{
    /// <summary>Between two looks at what is due.</summary>
    public TimeSpan Look { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a transaction to be journalled.</summary>
    public TimeSpan Submit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For a transaction to be final, before it is asked for again.</summary>
    public TimeSpan Await { get; init; } = TimeSpan.FromSeconds(30);
}
