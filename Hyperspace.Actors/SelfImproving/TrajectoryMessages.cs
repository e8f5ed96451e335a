using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What a task type's runs and their parent tell each other; local only.</summary>
internal static class TrajectoryMessages
{
    /// <summary>To the runs: another peer's run came by gossip.</summary>
    public sealed record TakeIn(SignedEnvelope Envelope);

    /// <summary>To the runs: the task type is followed from now on; catch up.</summary>
    public sealed record Followed;

    /// <summary>To the runs: a peer came; catch up with it.</summary>
    public sealed record NeighbourCame(PeerId Peer);

    /// <summary>To the runs: what else neighbours are given.</summary>
    public sealed record ShareAlso(IReadOnlyList<SignedEnvelope> Envelopes);

    /// <summary>To the runs: a neighbour compares what it has. Answered with a <see cref="TrajectorySyncReply"/>.</summary>
    public sealed record Compare(TrajectorySyncRequest Request);

    /// <summary>To the parent: these runs are kept now. The first one comes once they are read from the disk.</summary>
    public sealed record ExperienceChanged(IReadOnlyList<KeptTrajectory> BestFirst);

    /// <summary>
    /// To the parent: this peer's own run is on disk; with the context that it was recorded with. Told again after a crash until
    /// <see cref="OwnRunReflected"/> has come: what follows from it must not depend on how often.
    /// </summary>
    public sealed record OwnRunKept(KeptTrajectory Run, string? ContextId)
    {
        /// <summary>Whether it may have been told before.</summary>
        public bool Again { get; init; }
    }

    /// <summary>To the runs and the contexts: what was learnt from a run of this peer's own is in the journal, so it need not be told again.</summary>
    public sealed record OwnRunReflected(string TrajectoryId);

    /// <summary>To the parent: follow the task type.</summary>
    public sealed record FollowWanted;

    /// <summary>To the parent: send it through the mesh.</summary>
    public sealed record Publish(SignedEnvelope Envelope);

    /// <summary>To the parent: a neighbour gave an envelope that is no run.</summary>
    public sealed record Brought(SignedEnvelope Envelope);

    /// <summary>To the parent: the neighbours that were asked have answered, and everything that they gave was told before.</summary>
    public sealed record CaughtUp;
}
