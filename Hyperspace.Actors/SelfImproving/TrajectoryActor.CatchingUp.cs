using Akka.Actor;
using Akka.Event;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// Catching up (anti-entropy): compares what is kept with neighbours' when the task type is followed, when a peer comes and
/// every now and then, with one at a time; and answers neighbours that compare.
/// </summary>
internal sealed partial class TrajectoryActor
{
    private const int FirstNeighbours = 3;
    private const int MaxQueued = 16;

    private readonly Queue<PeerId> _toCompare = new();
    private readonly CancellationTokenSource _stopped = new();
    private IReadOnlyList<SignedEnvelope> _shareAlso = [];

    // Made from the disk when it is needed, and again after something came in.
    private Task<IdSet>? _ids;
    private bool _comparing;

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private void CatchingUp()
    {
        Receive<TrajectoryMessages.Followed>(_ =>
        {
            var peers = _services.Neighbours.Connected.ToArray();
            _services.Random.Shuffle(peers);
            foreach (var peer in peers.Take(FirstNeighbours))
            {
                _toCompare.Enqueue(peer);
            }

            CompareNext();
            PlanComparison();
        });
        Receive<TrajectoryMessages.NeighbourCame>(came =>
        {
            if (_toCompare.Count < MaxQueued && !_toCompare.Contains(came.Peer))
            {
                _toCompare.Enqueue(came.Peer);
            }

            CompareNext();
        });
        Receive<CompareNow>(_ =>
        {
            if (_toCompare.Count == 0 && _services.Neighbours.Connected.ToArray() is { Length: > 0 } peers)
            {
                _toCompare.Enqueue(peers[_services.Random.Next(peers.Length)]);
            }

            CompareNext();
            PlanComparison();
        });
        Receive<TrajectoryMessages.ShareAlso>(also =>
        {
            _shareAlso = also.Envelopes;
            _ids = null;
        });
        Receive<TrajectoryMessages.Compare>(compare => AnswerAsync(compare.Request, Ids(), _shareAlso).PipeTo(Sender));
        Receive<Pulled>(pulled => Arrived(pulled.Runs));
        Receive<Compared>(OnCompared);
    }

    private void PlanComparison() =>
        Timers.StartSingleTimer(nameof(CompareNow), CompareNow.Instance, _services.SyncInterval * (0.5 + _services.Random.NextDouble()));

    private void CompareNext()
    {
        if (_comparing)
        {
            return;
        }

        if (!_toCompare.TryDequeue(out var peer))
        {
            // What came in is told before.
            Settle();
            Context.Parent.Tell(new TrajectoryMessages.CaughtUp());
            return;
        }

        _comparing = true;
        CompareAsync(peer, Ids(), Self, Context.Parent, _stopped.Token).PipeTo(Self, success: failure => new Compared(peer, failure), failure: e => new Compared(peer, e.Message));
    }

    private void OnCompared(Compared compared)
    {
        _comparing = false;
        if (compared.Failure is not null)
        {
            _log.Info("{0} was not wholly caught up with {1}: {2}", _taskType, compared.Peer, compared.Failure);
        }

        CompareNext();
    }

    private Task<IdSet> Ids() => _ids ??= IdsAsync(_shareAlso);

    private async Task<IdSet> IdsAsync(IReadOnlyList<SignedEnvelope> others) =>
        IdSet.Of((await _services.Store.IdsAsync(_taskType).ConfigureAwait(false)).Concat(others.Select(envelope => Convert.FromHexString(envelope.Id))));

    // Runs beside the actor: verifying signatures takes long, and the actor answers meanwhile.
    private async Task<string?> CompareAsync(PeerId peer, Task<IdSet> ids, IActorRef self, IActorRef parent, CancellationToken cancellationToken) =>
        await _services.Neighbours.PullAsync(
            peer, _taskType, await ids.ConfigureAwait(false), (envelopes, wasWanted) => TakeInAsync(envelopes, wasWanted, self, parent), cancellationToken).ConfigureAwait(false);

    private async Task<bool> TakeInAsync(IReadOnlyList<ReadOnlyMemory<byte>> envelopes, Func<string, bool> wasWanted, IActorRef self, IActorRef parent)
    {
        var now = _services.Time.GetUtcNow();
        var runs = new List<(KeptTrajectory Run, Task<KeepOutcome> Written)>();
        foreach (var bytes in envelopes)
        {
            if (SignedEnvelope.Open(bytes, now, out _) is not { } envelope || !wasWanted(envelope.Id))
            {
                continue;
            }

            if (envelope.Type != EnvelopeTypes.Trajectory)
            {
                parent.Tell(new TrajectoryMessages.Brought(envelope));
            }
            else if (KeptTrajectory.Read(envelope, _taskType, out _) is { } run)
            {
                runs.Add((run, _services.Store.KeepAsync(_taskType, envelope, run)));
            }
        }

        var outcomes = await Task.WhenAll(runs.Select(run => run.Written)).ConfigureAwait(false);
        self.Tell(new Pulled([.. runs.Where((_, i) => outcomes[i] == KeepOutcome.Kept).Select(run => run.Run)]));
        return outcomes.All(outcome => outcome is KeepOutcome.Kept or KeepOutcome.Known);
    }

    private async Task<TrajectorySyncReply> AnswerAsync(TrajectorySyncRequest request, Task<IdSet> ids, IReadOnlyList<SignedEnvelope> others)
    {
        var reply = new TrajectorySyncReply();
        if (request.Prefixes.Count > 0)
        {
            Reconciliation.Describe(await ids.ConfigureAwait(false), request, reply);
        }

        if (request.Want.Count == 0)
        {
            return reply;
        }

        var wanted = request.Want.Select(id => id.ToByteArray()).ToList();
        var (runs, lookedFor) = await _services.Store.FindAsync(_taskType, wanted, Reconciliation.MaxReplyBytes).ConfigureAwait(false);
        var kept = runs.Concat(others).DistinctBy(envelope => envelope.Id).ToDictionary(envelope => envelope.Id, StringComparer.Ordinal);
        var bytes = 0;
        foreach (var id in wanted.Take(lookedFor).Select(Convert.ToHexStringLower))
        {
            if (kept.GetValueOrDefault(id) is { } envelope)
            {
                bytes += envelope.Bytes.Length;
                if (bytes > Reconciliation.MaxReplyBytes && reply.Envelopes.Count > 0)
                {
                    break;
                }

                reply.Envelopes.Add(UnsafeByteOperations.UnsafeWrap(envelope.Bytes));
            }

            reply.LookedFor++;
        }

        return reply;
    }

    /// <summary>Runs of a neighbour that are on disk.</summary>
    private sealed record Pulled(IReadOnlyList<KeptTrajectory> Runs);

    private sealed record Compared(PeerId Peer, string? Failure);

    private sealed class CompareNow
    {
        public static CompareNow Instance { get; } = new();
    }
}
