using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Tells the reputation how the others' kept runs would have foretold what came of this peer's own (docs/decisions, ADR-0023).</summary>
internal sealed partial class TrajectoryActor
{
    // Runs come in by the hundred, and all of them are looked through.
    private static readonly TimeSpan JudgeInterval = TimeSpan.FromSeconds(2);

    private void Judging() => Receive<JudgeNow>(_ =>
    {
        var self = _services.Identity.PeerId.ToString();
        if (_registry.TryGet<ActorKeys.Reputation>(out var reputation) && Agreement.Of(self, RunClaims.Of(self, _state.BestFirst)) is { Count: > 0 } replays)
        {
            reputation.Tell(new ReputationCommands.Replayed(ReplaySources.TaskType(_taskType), replays));
        }
    });

    /// <summary>What others had told of the same before this peer did it: nobody could know how it would go. The first time only.</summary>
    private void JudgeBy(KeptTrajectory own)
    {
        var self = _services.Identity.PeerId.ToString();
        List<KeptTrajectory> told = [.. _state.BestFirst, .. _arrived];
        if (_registry.TryGet<ActorKeys.Reputation>(out var reputation)
            && !told.Exists(run => run.Author == self && run.Goal == own.Goal && run.Shape == own.Shape)
            && Agreement.Of(self, RunClaims.Of(self, [own, .. told.Where(run => run.Author != self)])) is { Count: > 0 } news)
        {
            reputation.Tell(new ReputationCommands.Foretold(ReplaySources.TaskType(_taskType), news));
        }
    }

    private void JudgeSoon()
    {
        if (!Timers.IsTimerActive(nameof(JudgeNow)))
        {
            Timers.StartSingleTimer(nameof(JudgeNow), JudgeNow.Instance, JudgeInterval);
        }
    }

    private sealed class JudgeNow
    {
        public static JudgeNow Instance { get; } = new();
    }
}
