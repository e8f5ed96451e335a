using System.Text.Json;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>Finds out which run a reflection speaks of.</summary>
internal static class TrajectoryReference
{
    /// <summary>The trajectory id that an execution is, or holds as <c>trajectoryId</c>; null for free text.</summary>
    public static string? In(string? execution)
    {
        if (execution is null || TrajectoryRules.IsTrajectoryId(execution))
        {
            return execution;
        }

        try
        {
            using var json = JsonDocument.Parse(execution);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("trajectoryId", out var id)
                && id.ValueKind == JsonValueKind.String
                && TrajectoryRules.IsTrajectoryId(id.GetString()) ? id.GetString() : null;
        }
        catch (JsonException)
        {
            return null; // An execution may be told in words.
        }
    }
}
