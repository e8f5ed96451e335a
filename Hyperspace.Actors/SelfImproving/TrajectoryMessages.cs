using Akka.Actor;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What the parts of a task type and their parent tell each other; local only.</summary>
internal static class TrajectoryMessages
{
    /// <summary>To the exchange: another peer's envelope came by gossip, verified; a run.</summary>
    public sealed record TakeIn(SignedEnvelope Envelope);

    /// <summary>To the exchange: the task type sleeps, so this waits, as far as there is room.</summary>
    public sealed record WaitAwhile(Brought Brought);

    /// <summary>To the exchange: the task type is followed from now on; catch up.</summary>
    public sealed record Followed;

    /// <summary>To the exchange: a peer came; catch up with it.</summary>
    public sealed record NeighbourCame(PeerId Peer);

    /// <summary>To the exchange: what else neighbours are given, now that the task type is awake.</summary>
    public sealed record ShareAlso(IReadOnlyList<SignedEnvelope> Envelopes);

    /// <summary>To the exchange: the task type wakes; it takes what waits for it. Answered with <see cref="HandedOver"/>.</summary>
    public sealed record HandOver;

    /// <summary>To the parent: what waited was told before.</summary>
    public sealed record HandedOver;

    /// <summary>To the exchange: a run of this peer's own is in the store; ids that were read before lack it.</summary>
    public sealed record OwnRunStored;

    /// <summary>To the exchange: the task type fell asleep.</summary>
    public sealed record FellAsleep;

    /// <summary>To the exchange: a neighbour compares what it has. Answered with a <see cref="TrajectorySyncReply"/>.</summary>
    public sealed record Compare(TrajectorySyncRequest Request);

    /// <summary>To the parent, and on to the runs: these runs of other peers are on disk now.</summary>
    public sealed record RunsCame(IReadOnlyList<KeptTrajectory> Runs);

    /// <summary>To the parent: the task type has to be awake for what a neighbour wants, or for what waits for it.</summary>
    public sealed record WakeWanted;

    /// <summary>To the parent: these runs are kept now. The first one comes once they are read from the disk.</summary>
    /// <param name="BestFirst">The runs.</param>
    /// <param name="Footprint">Bytes of memory that they take, roughly.</param>
    public sealed record ExperienceChanged(IReadOnlyList<KeptTrajectory> BestFirst, long Footprint);

    /// <summary>
    /// To the parent: this peer's own run is on disk; with what tells what it was handed. Told again after a crash until
    /// <see cref="OwnRunReflected"/> has come: what follows from it must not depend on how often.
    /// </summary>
    public sealed record OwnRunKept(KeptTrajectory Run, RunOrigin Origin)
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

    /// <summary>To the parent: envelopes of other peers that are no runs, all of one type.</summary>
    /// <param name="Envelopes">Verified, at least one.</param>
    /// <param name="Asker">Told <see cref="Taken"/>, or a refusal, once they are journalled or wait for the task type to wake; null: nobody.</param>
    public sealed record Brought(IReadOnlyList<SignedEnvelope> Envelopes, IActorRef? Asker);

    /// <summary>They are taken in.</summary>
    /// <param name="NotKept">Ids of those that tell nothing new, or rank behind what is kept.</param>
    public sealed record Taken(IReadOnlyList<string> NotKept);

    /// <summary>To the runs: rank what came so far. Answered with <see cref="Settled"/>, behind what that changes.</summary>
    public sealed record Settle;

    /// <summary>To the parent: everything that came before is ranked and told.</summary>
    public sealed record Settled;

    /// <summary>To the runs: see whether other authors' word counts here than before.</summary>
    public sealed class LookAtTrust
    {
        /// <summary>The only one.</summary>
        public static LookAtTrust Instance { get; } = new();
    }

    /// <summary>To the contexts: the task type falls asleep; tell the runs, behind every run that was recorded with a context.</summary>
    public sealed record StopRuns;

    /// <summary>To the parent: the neighbours that were asked have answered, and everything that they gave was told before.</summary>
    public sealed record CaughtUp;
}
