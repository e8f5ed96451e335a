using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What a neighbour handed over; nothing of it is verified yet.</summary>
/// <param name="Peer">The neighbour.</param>
/// <param name="Envelopes">Envelope bytes, best first.</param>
/// <param name="Failure">Why there is nothing, when the call failed.</param>
internal sealed record NeighbourAnswer(PeerId Peer, IReadOnlyList<ReadOnlyMemory<byte>> Envelopes, string? Failure);

/// <summary>Asks neighbours for the runs of a task type (rpc <c>trajectories.list</c>), a few calls at a time.</summary>
internal sealed class NeighbourTrajectories(IRpc rpc, ISwitch network)
{
    /// <summary>Most envelopes of one answer.</summary>
    public const int MaxEnvelopes = 256;

    /// <summary>Most bytes of one answer's envelopes.</summary>
    public const int MaxAnswerBytes = 512 * 1024;

    /// <summary>How long a neighbour may take.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _calls = new(4);

    /// <summary>Up to <paramref name="count"/> connected peers.</summary>
    public IReadOnlyList<PeerId> Some(int count) => [.. network.ConnectedPeers.Take(count)];

    /// <summary>Asks one peer; a failed call is an answer with a reason.</summary>
    public async Task<NeighbourAnswer> AskAsync(PeerId peer, string taskType)
    {
        await _calls.WaitAsync().ConfigureAwait(false);
        try
        {
            var query = new TrajectoryQuery { TaskType = taskType, Limit = MaxEnvelopes };
            var answer = await rpc.CallUnaryAsync(peer, RpcMethods.TrajectoriesList, query.ToByteArray(), Deadline).ConfigureAwait(false);
            return new NeighbourAnswer(peer, [.. TrajectoryList.Parser.ParseFrom(answer.Span).Envelopes.Take(MaxEnvelopes).Select(e => e.Memory)], null);
        }
        catch (Exception e) when (e is RpcException or InvalidProtocolBufferException)
        {
            return new NeighbourAnswer(peer, [], e.Message);
        }
        finally
        {
            _calls.Release();
        }
    }
}
