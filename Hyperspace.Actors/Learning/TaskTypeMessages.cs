using Akka.Actor;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Learning;

/// <summary>Messages between the actors of this folder.</summary>
internal static class TaskTypeMessages
{
    /// <summary>Starts the entity of a followed task type, so that it subscribes.</summary>
    public sealed record Wake(string TaskType) : ITaskTypeMessage;

    /// <summary>Wakes a task type that has unfinished runs, so that they go on.</summary>
    public sealed record GoOn(string TaskType) : ITaskTypeMessage;

    /// <summary>A peer came: ask it for what it has.</summary>
    public sealed record AskNeighbour(string TaskType, PeerId Peer) : ITaskTypeMessage;

    /// <summary>A neighbour compares what it has. Answered with a <see cref="TrajectorySyncReply"/>.</summary>
    public sealed record Compare(TrajectorySyncRequest Request) : ITaskTypeMessage
    {
        /// <inheritdoc/>
        public string TaskType => Request.TaskType;
    }

    /// <summary>To the playbook or the contexts: what other peers signed for them, verified.</summary>
    /// <param name="Envelopes">In order of coming.</param>
    /// <param name="Asker">Told <see cref="TrajectoryMessages.Taken"/>, or a refusal, once what is new of it is journalled; null: nobody.</param>
    public sealed record TakeIn(IReadOnlyList<SignedEnvelope> Envelopes, IActorRef? Asker = null)
    {
        /// <summary>One that nobody waits for.</summary>
        public TakeIn(SignedEnvelope envelope)
            : this([envelope])
        {
        }

        /// <summary>Tells who waits what of it is not among what is kept now.</summary>
        public void Answer(IEnumerable<SignedEnvelope> kept) =>
            Asker?.Tell(new TrajectoryMessages.Taken([.. Envelopes.Select(envelope => envelope.Id).Except(kept.Select(envelope => envelope.Id), StringComparer.Ordinal)]));
    }
}

/// <summary>A message for the list of followed task types.</summary>
internal interface IFollowMessage;

/// <summary>Messages of the list of followed task types.</summary>
internal static class FollowMessages
{
    /// <summary>Follows a task type for good. Answered with <see cref="Remembered"/> or <see cref="Refused"/>.</summary>
    public sealed record Remember(string TaskType) : IFollowMessage;

    /// <summary>Answered with <see cref="Standing"/>.</summary>
    public sealed record Ask(string TaskType) : IFollowMessage;

    /// <summary>It is in the journal.</summary>
    public sealed record Remembered(string TaskType);

    /// <summary>It is not followed.</summary>
    public sealed record Refused(Contracts.Refusal Refusal);

    /// <summary>Whether a task type is followed.</summary>
    public sealed record Standing(string TaskType, bool Followed);

    /// <summary>Starts the entity of every followed task type that does not run.</summary>
    public sealed record WakeAll : IFollowMessage;

    /// <summary>A peer was identified.</summary>
    public sealed record PeerJoined(PeerId Peer) : IFollowMessage;
}
