using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Runs between the records that callers speak and the protobuf that is signed; pure.</summary>
internal static class TrajectoryWire
{
    /// <summary>Most bytes of runs in one reply; the reply may cross between processes.</summary>
    private const int MaxReplyBytes = 4 * 1024 * 1024;

    /// <summary>The run as it is signed: checked, its secrets taken out, checked again. Null with a refusal when it breaks the rules.</summary>
    public static Trajectory? FromRecord(TrajectoryCommands.Record record, DateTimeOffset now, out Refusal? refusal) =>
        FromRecord(record, now, out _, out refusal);

    /// <summary>As the other; with what was taken out.</summary>
    public static Trajectory? FromRecord(TrajectoryCommands.Record record, DateTimeOffset now, out IReadOnlyList<Replacement> replacements, out Refusal? refusal)
    {
        replacements = [];
        if (record.Steps is null or { Count: 0 } || record.Steps.Any(step => step is null || step.Kind is null || step.Name is null || step.Duration < TimeSpan.Zero))
        {
            refusal = new Refusal(ErrorCodes.InvalidParams, "Give at least one step, each with a kind, a name and a duration that is not negative.");
            return null;
        }

        if (record.Steps.Count > TrajectoryRules.MaxSteps)
        {
            refusal = new Refusal(ErrorCodes.TooLarge, $"A run has at most {TrajectoryRules.MaxSteps} steps, not {record.Steps.Count}; record the ones that mattered.");
            return null;
        }

        if (TrajectoryRules.CheckSession(record.SessionId) is { } tooLong)
        {
            refusal = tooLong;
            return null;
        }

        if (record.Repairs is { } repairs && !TrajectoryRules.IsTrajectoryId(repairs))
        {
            refusal = new Refusal(ErrorCodes.InvalidParams, "'repairs' is the trajectory id of the failed run.");
            return null;
        }

        var run = new Trajectory
        {
            TaskType = record.TaskType,
            Input = record.Input ?? "",
            Output = record.Output ?? "",
            Reward = record.Reward,
            RecordedMs = (ulong)now.ToUnixTimeMilliseconds(),
            Repairs = record.Repairs is null ? ByteString.Empty : ByteString.CopyFrom(Convert.FromHexString(record.Repairs)),
        };
        run.Steps.AddRange(record.Steps.Select(step => new TrajectoryStep
        {
            Kind = step.Kind,
            Name = step.Name,
            Thought = step.Thought ?? "",
            Input = step.Input ?? "",
            Output = step.Output ?? "",
            CostMicro = step.Cost.MicroUnits,
            Currency = step.Cost.Currency.Code,
            DurationUs = (ulong)step.Duration.TotalMicroseconds,
            Ok = step.Ok,
            Error = step.Error ?? "",
        }));

        // Sizes are checked before the patterns run over the text, and after, since a placeholder may be longer.
        refusal = TrajectoryRules.Check(run);
        if (refusal is null)
        {
            replacements = TrajectoryRedaction.Apply(run);
            refusal = TrajectoryRules.Check(run);
        }

        return refusal is null ? run : null;
    }

    /// <summary>The run as callers see it.</summary>
    public static TrajectoryView ToView(KeptTrajectory kept) => ToView(kept.Id, kept.Author, kept.Parse());

    /// <summary>The run made whole, as callers see it; what only the signed record says is taken from there.</summary>
    public static TrajectoryView ToView(KeptTrajectory kept, Trajectory record, Trajectory whole) => ToView(kept.Id, kept.Author, whole) with
    {
        Tries = (int)record.Tries,
        Successes = (int)record.Successes,
        BodyBytes = (long)record.BodyBytes,
    };

    /// <summary>What recording would share of a run; null with a refusal when it would not be recorded.</summary>
    public static TrajectoryPreview? Preview(TrajectoryCommands.Record record, string self, DateTimeOffset now, out Refusal? refusal)
    {
        var run = FromRecord(record, now, out var replacements, out refusal);
        var bytes = run?.CalculateSize() ?? 0;
        refusal ??= TrajectoryRules.CheckSize(bytes);
        return refusal is null ? new TrajectoryPreview(ToView("", self, run!), replacements, bytes, BodyByHash: CompactRecord.Of(run!).Body is not null) : null;
    }

    /// <summary>The first of the runs as callers see them, while their envelopes have at most <see cref="MaxReplyBytes"/> together.</summary>
    public static IReadOnlyList<TrajectoryView> ToViews(IEnumerable<KeptTrajectory> runs)
    {
        var bytes = 0;
        return [.. runs.TakeWhile(run => (bytes += run.Size) <= MaxReplyBytes).Select(ToView)];
    }

    private static TrajectoryView ToView(string id, string author, Trajectory run) => new(
        id, author, run.TaskType, NullIfEmpty(run.Input), [.. run.Steps.Select(ToView)], NullIfEmpty(run.Output), run.Reward,
        DateTimeOffset.FromUnixTimeMilliseconds((long)run.RecordedMs))
    {
        Repairs = run.Repairs.IsEmpty ? null : Convert.ToHexStringLower(run.Repairs.Span),
        Tries = (int)run.Tries,
        Successes = (int)run.Successes,
        BodyBytes = (long)run.BodyBytes,
    };

    private static TrajectoryStepView ToView(TrajectoryStep step) => new(
        step.Kind, step.Name, NullIfEmpty(step.Thought), NullIfEmpty(step.Input), NullIfEmpty(step.Output),
        new Amount(step.CostMicro, step.Currency.Length == 0 ? Currency.Usdc : Currency.Parse(step.Currency)),
        TimeSpan.FromMicroseconds(step.DurationUs), step.Ok, NullIfEmpty(step.Error));

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
