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
