using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Matrix;

/// <summary>Replays what other authors tell on this peer's own outcomes, and tells the reputation what came of it.</summary>
internal sealed partial class MatrixActor
{
    // The others' outcomes gather so long before they are judged.
    private static readonly TimeSpan ReplayInterval = TimeSpan.FromSeconds(2);

    private bool _comparing;

    private void ReceivesOfJudging()
    {
        Receive<Compared>(OnCompared);
        Receive<Status.Failure>(failed =>
        {
            _comparing = false;
            _log.Error(failed.Cause, "Authors could not be compared, which is a defect.");
        });
    }

    private void JudgeSoon()
    {
        if (!Timers.IsTimerActive(Tick.Judge))
        {
            Timers.StartSingleTimer(Tick.Judge, Tick.Judge, ReplayInterval);
        }
    }

    private void Judge()
    {
        if (!_registry.TryGet<ActorKeys.Reputation>(out var reputation))
        {
            return;
        }

        if (_state.TakeForetold() is { Count: > 0 } foretold)
        {
            reputation.Tell(new ReputationCommands.Foretold(ReplaySources.Matrix, foretold));
        }

        reputation.Tell(new ReputationCommands.Replayed(ReplaySources.Matrix, _state.Replay()));
        reputation.Tell(new ReputationCommands.Replayed(ReplaySources.Recent, _state.ReplayRecent()));
        if (_comparing)
        {
            JudgeSoon();
            return;
        }

        // Authors are compared elsewhere: with many of them it takes longer than a search may wait.
        _comparing = true;
        var (voices, random, witnessWeightOf) = (_state.Voices(), new Random(_services.Random.Next()), _services.Trust is { } trust ? trust.WitnessWeightOf : (Func<string, double>?)null);
        Task.Run(() => Consensus.Of(voices, random, witnessWeightOf)).PipeTo(Self, success: replays => new Compared(replays));
    }

    private void OnCompared(Compared compared)
    {
        _comparing = false;
        if (_registry.TryGet<ActorKeys.Reputation>(out var reputation))
        {
            reputation.Tell(new ReputationCommands.Replayed(ReplaySources.Consensus, compared.Replays));
        }
    }

    private sealed record Compared(IReadOnlyList<Replay> Replays);
}
