using System.Collections.Immutable;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What a peer's own tries at a goal came to.</summary>
/// <param name="Tries">Runs of the goal; repairs are none.</param>
/// <param name="Successes">How many of them went well.</param>
internal readonly record struct Attempts(uint Tries, uint Successes);

/// <summary>
/// A peer's own tries at the goals of one task type, whether their runs are kept, gave way, or wait to be written: the goals that
/// were tried last. Immutable.
/// </summary>
internal sealed class GoalAttempts
{
    /// <summary>Most goals of a task type.</summary>
    public const int MaxGoals = 2_048;

    // A goal's name, its numbers and its node in the map, as measured.
    private const int BytesPerGoal = 192;

    private readonly ImmutableDictionary<string, (Attempts Attempts, long Turn)> _goals;
    private readonly long _turns;

    private GoalAttempts(ImmutableDictionary<string, (Attempts Attempts, long Turn)> goals, long turns)
    {
        _goals = goals;
        _turns = turns;
    }

    /// <summary>Nothing tried yet.</summary>
    public static GoalAttempts None { get; } = new(ImmutableDictionary.Create<string, (Attempts, long)>(StringComparer.Ordinal), 0);

    /// <summary>Bytes of memory that they take, roughly.</summary>
    public long Footprint => (long)_goals.Count * BytesPerGoal;

    /// <summary>The tries at a goal; null when none are known.</summary>
    public Attempts? Find(string goal) => _goals.TryGetValue(goal, out var found) ? found.Attempts : null;

    /// <summary>With what a goal's tries have come to. A sixteenth over the bound the goals that were tried first are forgotten.</summary>
    public GoalAttempts With(string goal, Attempts attempts)
    {
        var goals = _goals.SetItem(goal, (attempts, _turns));
        return new GoalAttempts(
            goals.Count > MaxGoals + (MaxGoals / 16) ? goals.RemoveRange(goals.OrderBy(known => known.Value.Turn).Take(goals.Count - MaxGoals).Select(known => known.Key)) : goals,
            _turns + 1);
    }

    /// <summary>With one try less: its run came to nothing.</summary>
    public GoalAttempts Without(string goal, bool success) => Find(goal) is { Tries: > 0 } attempts
        ? With(goal, new Attempts(attempts.Tries - 1, Math.Min(attempts.Tries - 1, attempts.Successes - (success && attempts.Successes > 0 ? 1U : 0))))
        : this;
}
