using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Catching up: what neighbours have, when the task type is followed and when a peer comes; and the other side of it.</summary>
internal sealed partial class TrajectoryActor
{
    private const int Neighbours = 3;

    private IReadOnlyList<SignedEnvelope> _shareAlso = [];
    private int _asking;
    private bool _answered;

    private void CatchingUp()
    {
        Receive<TrajectoryMessages.Followed>(_ => AskNeighbours(_services.Neighbours.Some(Neighbours)));
        Receive<TrajectoryMessages.NeighbourCame>(came => AskNeighbours([came.Peer]));
        Receive<TrajectoryMessages.ShareAlso>(also => _shareAlso = also.Envelopes);
        Receive<TrajectoryMessages.Share>(share => Sender.Tell(new TrajectoryMessages.Shared(TrajectoryShare.Pick(
            _state.BestFirst, _shareAlso, Math.Clamp(share.MaxEnvelopes, 0, NeighbourTrajectories.MaxEnvelopes), NeighbourTrajectories.MaxAnswerBytes))));
        Receive<NeighbourAnswer>(OnAnswer);
    }

    private void AskNeighbours(IReadOnlyList<PeerId> peers)
    {
        foreach (var peer in peers.Take(Neighbours - _asking))
        {
            _asking++;
            _services.Neighbours.AskAsync(peer, _taskType).PipeTo(Self);
        }

        TellCaughtUp();
    }

    private void OnAnswer(NeighbourAnswer answer)
    {
        _asking--;
        if (answer.Failure is not null)
        {
            _log.Info("{0} gave no runs of {1}: {2}", answer.Peer, _taskType, answer.Failure);
        }

        var now = _services.Time.GetUtcNow();
        foreach (var bytes in answer.Envelopes)
        {
            if (SignedEnvelope.Open(bytes, now, out _) is not { } envelope)
            {
                continue;
            }

            if (envelope.Type != EnvelopeTypes.Trajectory)
            {
                Context.Parent.Tell(new TrajectoryMessages.Brought(envelope));
            }
            else if (_state.Find(envelope.Id) is null && KeptTrajectory.Read(envelope, _taskType, out _) is { } run)
            {
                Keep(run, null);
            }
        }

        _answered = true;
        OnWrittenOfCatchUp();
    }

    private void OnWrittenOfCatchUp()
    {
        if (_answered && _writing == 0)
        {
            TellCaughtUp();
        }
    }

    private void TellCaughtUp()
    {
        if (_asking == 0)
        {
            _answered = false;
            Tell();
            Context.Parent.Tell(new TrajectoryMessages.CaughtUp());
        }
    }
}
