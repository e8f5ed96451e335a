using Hyperspace.Actors.Guard;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Takes the secrets out of a run before it is signed; pure but for the run that it changes.</summary>
internal static class TrajectoryRedaction
{
    /// <summary>Changes every text of the run that may hold a secret, and says what was replaced where.</summary>
    public static IReadOnlyList<Replacement> Apply(Trajectory run)
    {
        var replacements = new List<Replacement>();
        string Clean(string field, string text)
        {
            var redacted = Redaction.Scan(text);
            replacements.AddRange(redacted.Found.OrderBy(found => found.Key, StringComparer.Ordinal).Select(found => new Replacement(field, found.Key, found.Value)));
            return redacted.Text;
        }

        run.Input = Clean("input", run.Input);
        run.Output = Clean("output", run.Output);
        for (var i = 0; i < run.Steps.Count; i++)
        {
            var step = run.Steps[i];
            step.Kind = Clean($"steps[{i}].kind", step.Kind);
            step.Name = Clean($"steps[{i}].name", step.Name);
            step.Thought = Clean($"steps[{i}].thought", step.Thought);
            step.Input = Clean($"steps[{i}].input", step.Input);
            step.Output = Clean($"steps[{i}].output", step.Output);
            step.Error = Clean($"steps[{i}].error", step.Error);
        }

        return replacements;
    }
}
