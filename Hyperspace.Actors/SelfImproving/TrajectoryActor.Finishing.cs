using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// What follows from this peer's own runs: what they were handed is credited, and the matrix learns of their tools. A run is unfinished on the
/// disk until both have answered, and what has not followed when the process dies follows when it starts again; who is told of a
/// run twice takes it once.
/// </summary>
internal sealed partial class TrajectoryActor
{
    private readonly Dictionary<string, Concluded> _unfinished = new(StringComparer.Ordinal);

    [Flags]
    private enum Concluded
    {
        Nothing = 0,
        Reflected = 1,
        Observed = 2,
        Everything = Reflected | Observed,
    }

    private void Finishing()
    {
        Receive<TrajectoryMessages.OwnRunReflected>(reflected => OnConcluded(reflected.TrajectoryId, Concluded.Reflected));
        Receive<RunObserved>(observed => OnConcluded(observed.RunId, Concluded.Observed));
    }

    /// <summary>Goes on where the process before this one ended.</summary>
    private void GoOn(IReadOnlyList<UnfinishedRun> unfinished)
    {
        if (unfinished.Count > 0)
        {
            // Perhaps it ended before the task type was followed.
            Context.Parent.Tell(new TrajectoryMessages.FollowWanted());
        }

        foreach (var (envelope, origin) in unfinished)
        {
            if (KeptTrajectory.Read(envelope, _taskType, out var refusal) is { } run)
            {
                Conclude(run, origin, again: true);
            }
            else
            {
                _log.Warning("Nothing follows from the kept run {0}: {1}", envelope.Id, refusal!.Message);
            }
        }
    }

    private void Conclude(KeptTrajectory run, RunOrigin origin, bool again)
    {
        _unfinished[run.Id] = Concluded.Nothing;
        Context.Parent.Tell(new TrajectoryMessages.OwnRunKept(run, origin) { Again = again });
        var signed = run.Parse();
        if (_registry.TryGet<ActorKeys.Matrix>(out var matrix) && OwnRun.OutcomesOf(run, signed) is { Count: > 0 } outcomes)
        {
            matrix.Tell(new MatrixCommands.Observe(run.Id, signed.Input, outcomes));
        }
        else
        {
            OnConcluded(run.Id, Concluded.Observed);
        }
    }

    private void OnConcluded(string id, Concluded what)
    {
        if (!_unfinished.TryGetValue(id, out var before))
        {
            return;
        }

        if ((_unfinished[id] = before | what) == Concluded.Everything)
        {
            // When this is not written, it follows once more after a start, to no effect.
            _unfinished.Remove(id);
            _services.Store.FinishAsync(_taskType, id);
        }
    }
}
