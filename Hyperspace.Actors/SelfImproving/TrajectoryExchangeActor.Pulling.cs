using Akka.Actor;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Taking in what a comparison brings: the next reply is asked for when this one is on disk, so that no neighbour can fill the memory.</summary>
internal sealed partial class TrajectoryExchangeActor
{
    /// <summary>Most envelopes that are no runs which one comparison brings; the next one goes on.</summary>
    public const int MaxBrought = 4_096;

    // For the journal, and for a task type that wakes meanwhile.
    private static readonly TimeSpan TakingPatience = TimeSpan.FromSeconds(10);

    // Runs beside the actor: verifying signatures takes long, and the actor answers meanwhile.
    private async Task<string?> CompareAsync(PeerId peer, Task<RunIds> ids, IActorRef self, IActorRef parent, CancellationToken cancellationToken)
    {
        var left = MaxBrought;
        return await _services.Neighbours.PullAsync(
            peer, _taskType, (await ids.ConfigureAwait(false)).Held,
            async (envelopes, wasWanted) =>
            {
                var (runs, others) = Sort(envelopes, wasWanted, self);
                left -= others.Count;
                return left >= 0 && await TakeRunsAsync(runs, self).ConfigureAwait(false) && await TakeOthersAsync(others, self, parent, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Those that verify and tell of the task type, the runs apart.</summary>
    private (List<(SignedEnvelope Envelope, KeptTrajectory Run)> Runs, List<SignedEnvelope> Others) Sort(IReadOnlyList<ReadOnlyMemory<byte>> envelopes, Func<string, bool> wasWanted, IActorRef self)
    {
        var now = _services.Time.GetUtcNow();
        var runs = new List<(SignedEnvelope, KeptTrajectory)>();
        var others = new List<SignedEnvelope>();
        var turnedAway = new List<string>();
        foreach (var bytes in envelopes)
        {
            if (SignedEnvelope.Open(bytes, now, out _) is not { } envelope || !wasWanted(envelope.Id))
            {
                continue;
            }

            if (envelope.Type == EnvelopeTypes.Trajectory && KeptTrajectory.ReadShared(envelope, _taskType, out _) is { } run)
            {
                runs.Add((envelope, run));
            }
            else if (envelope.Type != EnvelopeTypes.Trajectory && _isFit(envelope))
            {
                others.Add(envelope);
            }
            else
            {
                turnedAway.Add(envelope.Id);
            }
        }

        TurnAway(turnedAway, self);
        return (runs, others);
    }

    private async Task<bool> TakeRunsAsync(List<(SignedEnvelope Envelope, KeptTrajectory Run)> runs, IActorRef self)
    {
        var outcomes = await Task.WhenAll(runs.Select(run => _services.Store.KeepAsync(_taskType, run.Envelope, run.Run))).ConfigureAwait(false);
        self.Tell(new TrajectoryMessages.RunsCame([.. runs.Where((_, i) => outcomes[i] == KeepOutcome.Kept).Select(run => run.Run)]));
        return outcomes.All(outcome => outcome is KeepOutcome.Kept or KeepOutcome.Known);
    }

    private static async Task<bool> TakeOthersAsync(List<SignedEnvelope> others, IActorRef self, IActorRef parent, CancellationToken cancellationToken)
    {
        foreach (var ofOneType in others.GroupBy(envelope => envelope.Type))
        {
            var answer = await TakeAsync([.. ofOneType], parent, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return false;
            }

            TurnAway(answer.NotKept, self);
        }

        return true;
    }

    /// <summary>Null when the playbook or the credits did not take them in.</summary>
    private static async Task<TrajectoryMessages.Taken?> TakeAsync(IReadOnlyList<SignedEnvelope> envelopes, IActorRef parent, CancellationToken cancellationToken)
    {
        try
        {
            return await parent.Ask<object>(asker => new TrajectoryMessages.Brought(envelopes, asker), TakingPatience, cancellationToken).ConfigureAwait(false) as TrajectoryMessages.Taken;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private static void TurnAway(IReadOnlyList<string> ids, IActorRef self)
    {
        if (ids.Count > 0)
        {
            self.Tell(new TurnedAway(ids));
        }
    }
}
