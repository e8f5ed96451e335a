namespace Hyperspace.Actors.SelfImproving;

/// <summary>The ids that were added last: at least so many of them, and besides the last addition at most twice as many. Immutable.</summary>
internal sealed class LatestIds
{
    private readonly int _atLeast;
    private readonly IdSet _newer;
    private readonly IdSet _older;

    private LatestIds(int atLeast, IdSet newer, IdSet older) => (_atLeast, _newer, _older) = (atLeast, newer, older);

    /// <summary>The ids.</summary>
    public IdSet All => field ??= _older.With(_newer);

    /// <summary>None yet.</summary>
    /// <param name="atLeast">How many are remembered for certain.</param>
    public static LatestIds None(int atLeast) => new(atLeast, IdSet.Empty, IdSet.Empty);

    /// <summary>With these, which may be there already.</summary>
    public LatestIds Add(IdSet ids)
    {
        var newer = _newer.With(ids);
        return newer.Count < _atLeast ? new LatestIds(_atLeast, newer, _older) : new LatestIds(_atLeast, IdSet.Empty, newer);
    }
}
