using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>The wholes of shortened runs (rpc <c>trajectories.body</c>): gives them to peers, and fetches them by their hash. Safe from any thread.</summary>
internal sealed class RunBodies(PeerId self, IRpc rpc, ISwitch network, IExperienceStore store, TimeProvider time)
{
    private const int MaxServed = 16;
    private const int MaxFetched = 8;
    private const int Neighbours = 3;
    private const int MaxLiars = 1_024;
    private const int HashBytes = 32;

    /// <summary>How long one peer may take.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>How long a peer that gave something else is not asked again.</summary>
    public static readonly TimeSpan Avoidance = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<PeerId, DateTimeOffset> _liars = new();
    private int _serving;
    private int _fetching;

    /// <summary>The whole of a shortened run: from the disk, else from its author, else from neighbours; a refusal when nobody has it.</summary>
    /// <param name="author">Who signed the record.</param>
    /// <param name="record">The shortened run.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<(Trajectory? Whole, Refusal? Refusal)> WholeAsync(PeerId author, Trajectory record, CancellationToken cancellationToken)
    {
        if (await store.BodyAsync(CompactRecord.BodyHashOf(record)!).ConfigureAwait(false) is { } kept)
        {
            return Read(record, kept);
        }

        try
        {
            return Interlocked.Increment(ref _fetching) > MaxFetched
                ? (null, new Refusal(ErrorCodes.RateLimited, "Too many runs are being fetched from peers; try again in a moment."))
                : await FetchAsync(author, record, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _fetching);
        }
    }

    /// <summary>The handler of <c>trajectories.body</c>.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> Serve(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hash = HashOf(call.Payload);
        var reply = new TrajectoryBodyReply();
        try
        {
            if (Interlocked.Increment(ref _serving) > MaxServed)
            {
                throw new RpcException(RpcStatus.ResourceExhausted, "Too many peers ask for runs right now; try again later.");
            }

            if (await store.BodyAsync(hash).WaitAsync(cancellationToken).ConfigureAwait(false) is { } body)
            {
                reply.Body = UnsafeByteOperations.UnsafeWrap(body);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _serving);
        }

        yield return reply.ToByteArray();
    }

    /// <summary>The body as a run; a refusal when its author signed something else about it.</summary>
    internal static (Trajectory? Whole, Refusal? Refusal) Read(Trajectory signed, ReadOnlyMemory<byte> body)
    {
        Trajectory whole;
        try
        {
            whole = Trajectory.Parser.ParseFrom(body.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            return (null, new Refusal(ErrorCodes.BadEnvelope, "The author named a whole that is no trajectory: " + e.Message));
        }

        var agrees = (ulong)body.Length == signed.BodyBytes && whole.TaskType == signed.TaskType && whole.Reward.Equals(signed.Reward) && whole.RecordedMs == signed.RecordedMs && whole.Repairs == signed.Repairs
            && whole.Steps.Count >= signed.Steps.Count && whole.BodyHash.IsEmpty;
        return TrajectoryRules.Check(whole) is { } refusal ? (null, refusal)
            : agrees ? (whole, null)
            : (null, new Refusal(ErrorCodes.BadEnvelope, "The author's whole run and its signed record contradict each other; use the record alone."));
    }

    private async Task<(Trajectory? Whole, Refusal? Refusal)> FetchAsync(PeerId author, Trajectory record, CancellationToken cancellationToken)
    {
        var peers = network.ConnectedPeers.Where(peer => peer != author && !IsAvoided(peer)).Take(Neighbours).ToList();
        if (author != self && !IsAvoided(author))
        {
            peers.Insert(0, author);
        }

        foreach (var peer in peers)
        {
            if (await AskAsync(peer, record, cancellationToken).ConfigureAwait(false) is not { IsEmpty: false } bytes)
            {
                continue;
            }

            if (!SHA256.HashData(bytes.Span).AsSpan().SequenceEqual(record.BodyHash.Span))
            {
                Avoid(peer);
                continue;
            }

            // What contradicts its record is the author's doing, not that of the peer that gave it.
            var read = Read(record, bytes);
            if (read.Whole is not null)
            {
                await store.KeepBodyAsync(new RunBody(CompactRecord.BodyHashOf(record)!, bytes)).ConfigureAwait(false);
            }

            return read;
        }

        return (null, new Refusal(ErrorCodes.PeerUnreachable, "Neither the run's author nor a neighbour gave the whole run; ask without 'full', or try again when more peers are connected."));
    }

    private async Task<ReadOnlyMemory<byte>?> AskAsync(PeerId peer, Trajectory record, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await rpc.CallUnaryAsync(peer, RpcMethods.TrajectoriesBody, new TrajectoryBodyRequest { Hash = record.BodyHash }.ToByteArray(), Deadline, cancellationToken).ConfigureAwait(false);
            return TrajectoryBodyReply.Parser.ParseFrom(answer.Span).Body.Memory;
        }
        catch (RpcException)
        {
            // It is away or busy; the next one is asked, and who asks is told when nobody had it.
            return null;
        }
        catch (InvalidProtocolBufferException)
        {
            Avoid(peer);
            return null;
        }
    }

    private bool IsAvoided(PeerId peer) => _liars.TryGetValue(peer, out var until) && time.GetUtcNow() < until;

    private void Avoid(PeerId peer)
    {
        if (_liars.Count >= MaxLiars)
        {
            _liars.Clear();
        }

        _liars[peer] = time.GetUtcNow() + Avoidance;
    }

    private static string HashOf(ReadOnlyMemory<byte> payload)
    {
        try
        {
            var hash = TrajectoryBodyRequest.Parser.ParseFrom(payload.Span).Hash;
            return hash.Length == HashBytes ? Convert.ToHexStringLower(hash.Span) : throw new RpcException(RpcStatus.InvalidArgument, $"The hash has {HashBytes} bytes.");
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "The payload is no TrajectoryBodyRequest.", e);
        }
    }
}
