using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>A run that this peer records, signed and ready to be kept. Making one is pure: it needs no disk and no network.</summary>
/// <param name="Envelope">What is kept and published.</param>
/// <param name="Run">Its run.</param>
/// <param name="Signed">The same, as it is signed.</param>
/// <param name="Body">The whole of it when it is shortened.</param>
internal sealed record OwnRun(SignedEnvelope Envelope, KeptTrajectory Run, Trajectory Signed, RunBody? Body)
{
    /// <summary>Signs what a caller records; null with a refusal when it breaks a rule.</summary>
    /// <param name="command">What the caller says.</param>
    /// <param name="kept">The kept runs of the task type.</param>
    /// <param name="attempts">This peer's tries at the goals of the task type.</param>
    /// <param name="keys">This peer's.</param>
    /// <param name="time">The envelope's time.</param>
    /// <param name="now">The time of recording.</param>
    /// <param name="refusal">Why not.</param>
    public static OwnRun? Make(TrajectoryCommands.Record command, IReadOnlyCollection<KeptTrajectory> kept, GoalAttempts attempts, KeyPair keys, HybridTime time, DateTimeOffset now, out Refusal? refusal)
    {
        var whole = TrajectoryWire.FromRecord(command, now, out refusal);
        refusal ??= TrajectoryRules.CheckSize(whole!.CalculateSize());
        if (refusal is not null)
        {
            return null;
        }

        var (signed, body) = CompactRecord.Of(whole!);
        (signed.Tries, signed.Successes) = TriesOf(signed, attempts, kept, AuthorNames.Of(keys.PeerId));
        var envelope = SignedEnvelope.Seal(keys, EnvelopeTypes.Trajectory, signed.ToByteArray(), time);
        if (KeptTrajectory.Read(envelope, command.TaskType, out refusal) is not { } run)
        {
            return null;
        }

        if (run.Repairs is { } repaired && !kept.Any(failed => failed.Id == repaired && failed.IsFailure && failed.Goal == run.Goal))
        {
            refusal = new Refusal(ErrorCodes.InvalidParams, "'repairs' names no failed run of the same input that this peer keeps; record the run without it.");
            return null;
        }

        return new OwnRun(envelope, run, signed, body);
    }

    /// <summary>
    /// Which try at its goal a run is, and how many went well; 0 for a repair, which is none. Tries that nobody counted are as
    /// many as its author's kept runs tell.
    /// </summary>
    private static (uint Tries, uint Successes) TriesOf(Trajectory run, GoalAttempts attempts, IEnumerable<KeptTrajectory> kept, string author)
    {
        if (!run.Repairs.IsEmpty)
        {
            return (0, 0);
        }

        var goal = Terms.GoalOf(Terms.Of(run.Input));
        var before = attempts.Find(goal)
            ?? kept.Where(known => known.Author == author && known.Goal == goal && !known.IsRepair).Select(known => new Attempts(known.Tries, known.Successes)).DefaultIfEmpty().MaxBy(known => known.Tries);
        var tries = Math.Min(TrajectoryRules.MaxTries, before.Tries + 1);
        return (tries, Math.Min(tries, before.Successes + (run.Reward >= KeptTrajectory.SuccessReward ? 1U : 0)));
    }

    /// <summary>What a run shows of its tools: a step that failed, or any step of a failed run, speaks against its tool.</summary>
    public static IReadOnlyList<CapabilityOutcome> OutcomesOf(KeptTrajectory run, Trajectory signed) => !run.HasInput ? [] :
    [
        .. signed.Steps
            .Where(step => step.Kind == "tool" && (!step.Ok || run.IsFailure || run.IsSuccess))
            .Select(step => new CapabilityOutcome(step.Name, step.Ok && run.IsSuccess)),
    ];
}
