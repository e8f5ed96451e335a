namespace Hyperspace.Actors.SelfImproving;

/// <summary>How often this peer has tried each goal: more than its kept runs tell.</summary>
internal sealed partial class ExperienceWriter
{
    /// <summary>Keeps which try at its goal a run was. What came to nothing in between may leave a later one with the same number.</summary>
    private void KeepAttempts(long taskType, KeptTrajectory run)
    {
        using var keep = Command(
            """
            INSERT INTO attempts VALUES ($type, $goal, $tries, $successes, $latest)
            ON CONFLICT (task_type, goal) DO UPDATE SET tries = excluded.tries, successes = excluded.successes, latest = excluded.latest WHERE excluded.tries >= attempts.tries
            """,
            ("$type", taskType), ("$goal", Convert.FromHexString(run.Goal)), ("$tries", (long)run.Tries), ("$successes", (long)run.Successes), ("$latest", (long)run.Time.WallMs));
        keep.ExecuteNonQuery();
    }

    /// <summary>The goals that were tried last stay.</summary>
    private void CutAttempts(long taskType)
    {
        using var cut = Command(
            "DELETE FROM attempts WHERE task_type = $type AND goal NOT IN (SELECT goal FROM attempts WHERE task_type = $type ORDER BY latest DESC, goal LIMIT $most)",
            ("$type", taskType), ("$most", GoalAttempts.MaxGoals));
        cut.ExecuteNonQuery();
    }
}
