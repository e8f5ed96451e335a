using System.Runtime.CompilerServices;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Learning;

/// <summary>Serves <c>trajectories.sync</c> to neighbours: only of task types that this peer follows, a few calls at a time.</summary>
internal sealed class TrajectorySync(IActorRef taskTypes, IActorRef followed)
{
    private const int MaxConcurrent = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private int _running;

    /// <summary>The handler.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Serve(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = Parse(call.Payload);
        TrajectorySyncReply reply;
        try
        {
            if (Interlocked.Increment(ref _running) > MaxConcurrent)
            {
                throw new RpcException(RpcStatus.ResourceExhausted, "Too many peers ask for runs right now; try again later.");
            }

            reply = await AnswerAsync(request, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        yield return reply.ToByteArray();
    }

    private async Task<TrajectorySyncReply> AnswerAsync(TrajectorySyncRequest request, CancellationToken cancellationToken)
    {
        var standing = await followed.Ask<FollowMessages.Standing>(new FollowMessages.Ask(request.TaskType), Patience, cancellationToken);
        if (standing.Followed)
        {
            return await taskTypes.Ask<TrajectorySyncReply>(new TaskTypeMessages.Compare(request), Patience, cancellationToken);
        }

        // As a peer that has nothing answers.
        var none = new TrajectorySyncReply { LookedFor = (uint)request.Want.Count };
        Reconciliation.Describe(IdSet.Empty, request, none);
        return none;
    }

    private static TrajectorySyncRequest Parse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var request = TrajectorySyncRequest.Parser.ParseFrom(payload.Span);
            return Reconciliation.IsValid(request) ? request : throw new RpcException(RpcStatus.InvalidArgument, "The request has no task type, or too many or malformed ids.");
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "The payload is no TrajectorySyncRequest.", e);
        }
    }
}
