namespace Hyperspace.Libp2p.Switch;

/// <summary>A connection as the trimmer judges it.</summary>
/// <param name="Item">The connection.</param>
/// <param name="Value">The sum of its peer's tags.</param>
/// <param name="Protected">True when somebody needs its peer.</param>
/// <param name="Limited">True when a relay bounds it.</param>
/// <param name="Streams">Open streams.</param>
/// <param name="Age">How long it has been up.</param>
/// <param name="Idle">How long no stream was opened on it.</param>
internal readonly record struct TrimCandidate<T>(T Item, int Value, bool Protected, bool Limited, int Streams, TimeSpan Age, TimeSpan Idle);

/// <summary>Decides which connections to close when there are too many.</summary>
internal static class ConnectionTrimmer
{
    /// <summary>
    /// Nothing up to the high mark; above it as many as lead down to the low one, as far as there are connections that nobody protects
    /// and that are past their grace. Limited ones go first, then those of the least value, with the fewest streams, idle the longest.
    /// </summary>
    public static IReadOnlyList<T> Choose<T>(IReadOnlyCollection<TrimCandidate<T>> connections, int high, int low, TimeSpan grace) =>
        connections.Count <= high
            ? []
            : [.. connections
                .Where(c => !c.Protected && c.Age >= grace)
                .OrderByDescending(c => c.Limited)
                .ThenBy(c => c.Value)
                .ThenBy(c => c.Streams)
                .ThenByDescending(c => c.Idle)
                .Take(connections.Count - low)
                .Select(c => c.Item)];
}
