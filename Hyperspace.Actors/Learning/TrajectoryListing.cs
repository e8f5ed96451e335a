using System.Runtime.CompilerServices;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Learning;

/// <summary>Serves <c>trajectories.list</c> to newcomers: only of task types that this peer follows, a few calls at a time.</summary>
internal sealed class TrajectoryListing(IActorRef taskTypes, IActorRef followed)
{
    private const int MaxConcurrent = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private int _running;

    /// <summary>The handler.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Serve(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var query = Parse(call.Payload);
        if (Interlocked.Increment(ref _running) > MaxConcurrent)
        {
            Interlocked.Decrement(ref _running);
            throw new RpcException(RpcStatus.ResourceExhausted, "Too many peers ask for runs right now; try again later.");
        }

        TrajectoryList list;
        try
        {
            list = await ListAsync(query, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        yield return list.ToByteArray();
    }

    private async Task<TrajectoryList> ListAsync(TrajectoryQuery query, CancellationToken cancellationToken)
    {
        var list = new TrajectoryList();
        var standing = await followed.Ask<FollowMessages.Standing>(new FollowMessages.Ask(query.TaskType), Patience, cancellationToken);
        if (standing.Followed)
        {
            var limit = query.Limit == 0 ? NeighbourTrajectories.MaxEnvelopes : (int)Math.Min(query.Limit, NeighbourTrajectories.MaxEnvelopes);
            var shared = await taskTypes.Ask<TrajectoryMessages.Shared>(new TaskTypeMessages.Share(query.TaskType, limit), Patience, cancellationToken);
            list.Envelopes.AddRange(shared.Envelopes.Select(UnsafeByteOperations.UnsafeWrap));
        }

        return list;
    }

    private static TrajectoryQuery Parse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var query = TrajectoryQuery.Parser.ParseFrom(payload.Span);
            return TrajectoryRules.IsTaskType(query.TaskType) ? query : throw new RpcException(RpcStatus.InvalidArgument, TrajectoryRules.BadTaskType().Message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "The payload is no TrajectoryQuery.", e);
        }
    }
}
