using Akka.Actor;
using Akka.Event;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>
/// What a task type takes in from other peers and gives to them: gossiped envelopes, and comparisons with neighbours
/// (anti-entropy): when the task type is followed, when a peer comes and every now and then, with one at a time. Runs go to
/// the store; it holds none of them, so it stays awake while the working set sleeps.
/// </summary>
internal sealed partial class TrajectoryExchangeActor : ReceiveActor, IWithTimers
{
    private const int FirstNeighbours = 3;
    private const int MaxQueued = 16;
    private const int TurnedAwayAtLeast = 16_384;

    // The ids of a task type are read for a comparison, which takes a few calls, and forgotten after it: a million of them are 32 MB.
    private static readonly TimeSpan IdsAreKeptFor = TimeSpan.FromSeconds(5);

    private readonly string _taskType;
    private readonly TrajectoryServices _services;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<PeerId> _toCompare = new();
    private readonly List<(IActorRef Asker, TrajectorySyncRequest Request)> _forLater = [];
    private readonly Predicate<SignedEnvelope> _isFit;
    private readonly CancellationTokenSource _stopped = new();
    private SharedEnvelopes _others = SharedEnvelopes.Unknown;

    // Brought by comparisons and not kept: no runs within the rules, or nothing that the playbook and the credits have room for.
    private LatestIds _turnedAway = LatestIds.None(TurnedAwayAtLeast);

    // Made from the disk when it is needed, and again after something came in.
    private Task<RunIds>? _ids;
    private bool _comparing;

    /// <param name="taskType">The task type.</param>
    /// <param name="services">What it needs.</param>
    /// <param name="isFit">Whether an envelope that is no run tells of the task type, within all limits.</param>
    public TrajectoryExchangeActor(string taskType, TrajectoryServices services, Predicate<SignedEnvelope> isFit)
    {
        _taskType = taskType;
        _services = services;
        _isFit = isFit;
        Receive<TrajectoryCommands.Get>(get => GetAsync(get, _stopped.Token).PipeTo(Sender, failure: e => new Refusal(ErrorCodes.JournalFailed, $"The run could not be read: {e.Message}")));
        Receive<TrajectoryMessages.TakeIn>(OnTakeIn);
        Receive<TrajectoryMessages.WaitAwhile>(OnWaitAwhile);
        Receive<TrajectoryMessages.RunsCame>(OnRunsCame);
        Receive<TurnedAway>(turned =>
        {
            _turnedAway = _turnedAway.Add(IdSet.Of(turned.Ids.Select(Convert.FromHexString)));
            _ids = null;
        });
        WithNeighbours();
        WithTheTaskType();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private void WithNeighbours()
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
        Receive<TrajectoryMessages.Compare>(compare => Answer(compare.Request, Sender));
        Receive<Compared>(OnCompared);
        Receive<ForgetIds>(_ => _ids = null);
    }

    private void WithTheTaskType()
    {
        Receive<TrajectoryMessages.ShareAlso>(also =>
        {
            _others = _others.Told(also.Envelopes);
            _ids = null;
            var later = _forLater.ToList();
            _forLater.Clear();
            later.ForEach(asked => Answer(asked.Request, asked.Asker));
            if (_toCompare.Count > 0)
            {
                CompareNext();
            }
        });
        Receive<TrajectoryMessages.HandOver>(_ =>
        {
            foreach (var ofOneType in _others.Waiting.GroupBy(envelope => envelope.Type))
            {
                Context.Parent.Tell(new TrajectoryMessages.Brought([.. ofOneType], null));
            }

            _others = _others.HandedOver();
            _ids = null;
            Context.Parent.Tell(new TrajectoryMessages.HandedOver());
        });
        Receive<TrajectoryMessages.OwnRunStored>(_ => _ids = null);
        Receive<TrajectoryMessages.FellAsleep>(_ => _others = _others.Asleep());
    }

    private void OnTakeIn(TrajectoryMessages.TakeIn message)
    {
        if (KeptTrajectory.ReadShared(message.Envelope, _taskType, out _) is { } run)
        {
            _services.Store.KeepAsync(_taskType, message.Envelope, run).PipeTo(Self, success: outcome => new TrajectoryMessages.RunsCame(outcome == KeepOutcome.Kept ? [run] : []));
        }
    }

    private void OnWaitAwhile(TrajectoryMessages.WaitAwhile message)
    {
        var (envelopes, asker) = (message.Brought.Envelopes, message.Brought.Asker ?? ActorRefs.Nobody);
        _others = envelopes.Aggregate(_others, (others, envelope) => others.Wait(envelope));
        _ids = null;
        if (_others.Waiting.Count >= SharedEnvelopes.MaxWaiting)
        {
            Context.Parent.Tell(new TrajectoryMessages.WakeWanted());
            asker.Tell(new Refusal(ErrorCodes.RateLimited, "No more can wait until the task type is awake; bring the rest then."));
        }
        else
        {
            asker.Tell(new TrajectoryMessages.Taken([]));
        }
    }

    private void OnRunsCame(TrajectoryMessages.RunsCame came)
    {
        if (came.Runs.Count > 0)
        {
            _ids = null;
            Context.Parent.Tell(came);
        }
    }

    private void PlanComparison() =>
        Timers.StartSingleTimer(nameof(CompareNow), CompareNow.Instance, _services.SyncInterval * (0.5 + _services.Random.NextDouble()));

    private void CompareNext()
    {
        if (_comparing)
        {
            return;
        }

        if (_toCompare.Count == 0)
        {
            Context.Parent.Tell(new TrajectoryMessages.CaughtUp());
            return;
        }

        if (!_others.IsKnown)
        {
            Context.Parent.Tell(new TrajectoryMessages.WakeWanted());
            return;
        }

        _comparing = true;
        var peer = _toCompare.Dequeue();
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

    /// <summary>Answers a neighbour; once the task type is awake when that has to be.</summary>
    private void Answer(TrajectorySyncRequest request, IActorRef asker)
    {
        if (_others.IsKnown && !request.Want.Any(id => _others.Sleeps(Convert.ToHexStringLower(id.Span))))
        {
            AnswerAsync(request, request.Prefixes.Count > 0 ? Ids() : Task.FromResult(new RunIds(IdSet.Empty, IdSet.Empty)), _others).PipeTo(asker);
        }
        else
        {
            // Who asks are a few at a time (see the server of this method), and they wait for a few seconds only.
            _forLater.Add((asker, request));
            Context.Parent.Tell(new TrajectoryMessages.WakeWanted());
        }
    }

    private Task<RunIds> Ids()
    {
        Timers.StartSingleTimer(nameof(ForgetIds), ForgetIds.Instance, IdsAreKeptFor);
        if (_ids is { IsFaulted: true })
        {
            _ids = null;
        }

        return _ids ??= IdsAsync(_others, _turnedAway.All);
    }

    private async Task<RunIds> IdsAsync(SharedEnvelopes others, IdSet turnedAway)
    {
        var (runs, also) = (await _services.Store.IdsAsync(_taskType).ConfigureAwait(false), IdSet.Of(others.Ids.Select(Convert.FromHexString)));
        return new RunIds(runs.Named.With(also), runs.Held.With(also).With(turnedAway));
    }

    private async Task<TrajectorySyncReply> AnswerAsync(TrajectorySyncRequest request, Task<RunIds> ids, SharedEnvelopes others)
    {
        var reply = new TrajectorySyncReply();
        if (request.Prefixes.Count > 0)
        {
            // Hashes megabytes: the actor answers meanwhile.
            var named = (await ids.ConfigureAwait(false)).Named;
            await Task.Run(() => Reconciliation.Describe(named, request, reply)).ConfigureAwait(false);
        }

        if (request.Want.Count == 0)
        {
            return reply;
        }

        var wanted = request.Want.Select(id => id.ToByteArray()).ToList();
        var (runs, lookedFor) = await _services.Store.FindAsync(_taskType, wanted, Reconciliation.MaxReplyBytes).ConfigureAwait(false);
        var kept = runs.ToDictionary(envelope => envelope.Id, StringComparer.Ordinal);
        var bytes = 0;
        foreach (var id in wanted.Take(lookedFor).Select(Convert.ToHexStringLower))
        {
            if ((kept.GetValueOrDefault(id) ?? others.Find(id)) is { } envelope)
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

    /// <summary>Envelopes that a comparison brought are not kept here; they are not asked for again.</summary>
    private sealed record TurnedAway(IReadOnlyList<string> Ids);

    private sealed record Compared(PeerId Peer, string? Failure);

    private sealed class CompareNow
    {
        public static CompareNow Instance { get; } = new();
    }

    private sealed class ForgetIds
    {
        public static ForgetIds Instance { get; } = new();
    }
}
