using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Compares a task type with neighbours (rpc <c>trajectories.sync</c>), a few task types at a time: what a comparison holds is bounded, and so is how long it takes.</summary>
internal sealed class NeighbourTrajectories(IRpc rpc, ISwitch network)
{
    /// <summary>How long a neighbour may take for a reply.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>How long a comparison may take; the next one goes on where it ended.</summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _comparisons = new(8);

    /// <summary>The connected peers.</summary>
    public IReadOnlyCollection<PeerId> Connected => network.ConnectedPeers;

    /// <summary>Asks one peer for everything that <paramref name="own"/> lacks. Null when all of it was given; else why not.</summary>
    /// <param name="peer">The neighbour.</param>
    /// <param name="taskType">The task type.</param>
    /// <param name="own">What is there already.</param>
    /// <param name="take">Takes envelope bytes that nothing of is verified yet, and says whether an id was wanted; false ends it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<string?> PullAsync(
        PeerId peer, string taskType, IdSet own, Func<IReadOnlyList<ReadOnlyMemory<byte>>, Func<string, bool>, Task<bool>> take, CancellationToken cancellationToken)
    {
        await _comparisons.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ending.CancelAfter(MaxDuration);
        try
        {
            return await PullAsync(peer, new Reconciliation(taskType, own), take, ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"it was not done after {MaxDuration.TotalSeconds:0} seconds";
        }
        finally
        {
            _comparisons.Release();
        }
    }

    private async Task<string?> PullAsync(PeerId peer, Reconciliation comparison, Func<IReadOnlyList<ReadOnlyMemory<byte>>, Func<string, bool>, Task<bool>> take, CancellationToken cancellationToken)
    {
        while (comparison.Next() is { } request)
        {
            TrajectorySyncReply reply;
            try
            {
                var answer = await rpc.CallUnaryAsync(peer, RpcMethods.TrajectoriesSync, request.ToByteArray(), Deadline, cancellationToken).ConfigureAwait(false);
                reply = TrajectorySyncReply.Parser.ParseFrom(answer.Span);
            }
            catch (Exception e) when (e is RpcException or InvalidProtocolBufferException)
            {
                return e.Message;
            }

            comparison.Take(reply);
            if (comparison.Failure is null && reply.Envelopes.Count > 0 && !await take([.. reply.Envelopes.Select(e => e.Memory)], comparison.WasWanted).ConfigureAwait(false))
            {
                return "this peer cannot take more in right now";
            }
        }

        return comparison.Failure;
    }
}
