using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Keeps the working set apart by whose word counts here. When that changes, runs that were displaced are read from the disk again.</summary>
internal sealed partial class TrajectoryActor
{
    // Trust changes with every outcome, seldom so that somebody begins or ceases to count.
    private static readonly TimeSpan TrustInterval = TimeSpan.FromSeconds(10);

    // Identities without end come by, and most of them are not kept.
    private const int MaxAsked = 65_536;

    private Dictionary<string, bool> _asked = [];
    private long _trustVersion;

    /// <summary>Nothing kept yet, with the trust of this moment.</summary>
    private TrajectoryState NoRuns()
    {
        _trustVersion = _trust?.Version ?? 0;
        var asked = _asked = new Dictionary<string, bool>(StringComparer.Ordinal);
        return TrajectoryState.Empty(
            _services.Identity.PeerId.ToString(), TrajectoryLimits.Default, author => asked.TryGetValue(author, out var proven) ? proven : asked[author] = _trust?.WeightOf(author) > 0);
    }

    private void Trusting()
    {
        if (_trust is not null)
        {
            Timers.StartPeriodicTimer(nameof(TrajectoryMessages.LookAtTrust), TrajectoryMessages.LookAtTrust.Instance, TrustInterval);
        }

        Receive<TrajectoryMessages.LookAtTrust>(_ =>
        {
            if (_trust!.Version == _trustVersion && _asked.Count < MaxAsked)
            {
                return;
            }

            var wasFull = _state.IsFull;
            Rank([]);
            if (wasFull || _state.IsFull)
            {
                _services.Store.LoadAsync(_taskType, TrajectoryLimits.Default).PipeTo(Self, success: envelopes => new ReadAgain(envelopes), failure: e => new NotReadAgain(e));
            }
        });
        Receive<ReadAgain>(again => Rank(Read(again.Envelopes)));
        Receive<NotReadAgain>(failed => _log.Warning(failed.Cause, "The runs of {0} could not be read again; those that a change of trust brings back come with the next one.", _taskType));
    }

    /// <summary>Ranks what is kept and these runs, with the trust of this moment.</summary>
    private void Rank(IReadOnlyList<KeptTrajectory> also)
    {
        var before = _state.BestFirst;
        _state = NoRuns().AddRange([.. before, .. also]);
        if (!_state.BestFirst.SequenceEqual(before))
        {
            Context.Parent.Tell(new TrajectoryMessages.ExperienceChanged(_state.BestFirst, _state.Footprint + _attempts.Footprint));
            JudgeSoon();
        }
    }

    private sealed record ReadAgain(IReadOnlyList<SignedEnvelope> Envelopes);

    private sealed record NotReadAgain(Exception Cause);
}
