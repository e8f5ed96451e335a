using Akka.Actor;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Bounds the memory of all awake task types of a process (see <see cref="WorkingSets{TOwner}"/>). They tell it what they
/// hold; who was not used for longest is told to give way.
/// </summary>
internal sealed class WorkingSetsActor : ReceiveActor
{
    private WorkingSets<IActorRef> _sets;

    public WorkingSetsActor(long limit)
    {
        _sets = WorkingSets<IActorRef>.Empty(limit);
        Receive<Used>(used =>
        {
            Context.Watch(Sender);
            (_sets, var giveWay) = _sets.Use(Sender, used.Bytes);
            foreach (var owner in giveWay)
            {
                owner.Tell(GiveWay.Instance);
            }
        });
        Receive<Freed>(_ => Free(Sender));
        Receive<Terminated>(ended => Free(ended.ActorRef));
    }

    private void Free(IActorRef owner)
    {
        Context.Unwatch(owner);
        _sets = _sets.Free(owner);
    }

    /// <summary>The sender was used, and holds so many bytes.</summary>
    public sealed record Used(long Bytes);

    /// <summary>The sender holds nothing any more.</summary>
    public sealed record Freed;

    /// <summary>To who holds memory: let go of it. Who cannot says that it is used.</summary>
    public sealed class GiveWay
    {
        /// <summary>The only one.</summary>
        public static GiveWay Instance { get; } = new();

        private GiveWay()
        {
        }
    }
}
