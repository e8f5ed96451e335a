using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Persistence;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>How long fetches wait for what.</summary>
internal sealed record FetchTimes
{
    /// <summary>Between two looks at the chain for what is open.</summary>
    public TimeSpan SweepEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// After an authorization has ended until the chain's word that it was not used is taken: for clocks that differ, and for
    /// blocks that are replaced.
    /// </summary>
    public TimeSpan AfterEnd { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For the chain's answers of one look.</summary>
    public TimeSpan ChainTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>
/// Fetches that may be paid for (one entity). Journals what <see cref="FetchState"/> accepts, runs one <see cref="FetchCall"/> per
/// idempotency key at a time, and asks the chain what became of authorizations of which the server does not tell.
/// </summary>
internal sealed class FetchActor : JournaledActor, IWithTimers
{
    /// <summary>The one entity's id.</summary>
    public const string EntityId = "fetches";

    private const int MaxRunning = 256;
    private const int MaxWaiting = 16;
    private const int SnapshotEvery = 1000;
    private readonly FetchServices _services;
    private readonly IChains? _chains;
    private readonly FetchTimes _times;
    private readonly Dictionary<string, Running> _running = new(StringComparer.Ordinal);
    private readonly List<IActorRef> _lookers = [];
    private FetchState _state = new();

    public FetchActor(FetchServices services, IChains? chains, FetchTimes times)
        : base("fetches", Journals.Payments)
    {
        (_services, _chains, _times) = (services, chains, times);

        Recover<SnapshotOffer>(offer => _state = ((FetchSnapshot)offer.Snapshot).ToState());
        Recover<IFetchEvent>(happened => _state = _state.Apply(happened));
        Recover<RecoveryCompleted>(_ => Timers.StartPeriodicTimer(nameof(FetchLook), new FetchLook(), _times.SweepEvery));

        Command<FetchCommands.Fetch>(Fetch);
        Command<FetchCommands.Resolve>(Resolve);
        Command<FetchRecord>(Record);
        Command<Ended>(End);
        Command<FetchLook>(_ => LookAtChains());
        Command<FetchLooked>(LookEnded);
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => JournalRefusals.Payments;

    private void Fetch(FetchCommands.Fetch command)
    {
        var (call, refusal) = FetchRules.Check(command);
        var fingerprint = FetchCall.FingerprintOf(command);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
        }
        else if (_running.TryGetValue(command.IdempotencyKey, out var running))
        {
            Join(running, fingerprint, command.IdempotencyKey);
        }
        else if (_running.Count >= MaxRunning)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{MaxRunning} fetches run already. Try again when some have ended."));
        }
        else
        {
            var run = new FetchCall(_services, Self, command, call!);
            switch (_state.Decide(command.IdempotencyKey, fingerprint, _services.Time.GetUtcNow()))
            {
                case FetchDecision.Refuse refuse:
                    Sender.Tell(refuse.Refusal);
                    break;
                case FetchDecision.SendAgain again:
                    Run(command.IdempotencyKey, fingerprint, run.RunAgainAsync(again.Authorization));
                    break;
                case FetchDecision.Ask ask:
                    Run(command.IdempotencyKey, fingerprint, run.RunAsync(ask.Number));
                    break;
                default:
                    throw new InvalidOperationException("A fetch is decided in one of three ways.");
            }
        }
    }

    private void Join(Running running, string fingerprint, string key)
    {
        if (running.Fingerprint != fingerprint)
        {
            Sender.Tell(new Refusal(ErrorCodes.Conflict, $"The idempotency key '{key}' is in use for another request. Use a new one."));
        }
        else if (running.Askers.Count >= MaxWaiting)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{MaxWaiting} callers wait for this fetch already."));
        }
        else
        {
            running.Askers.Add(Sender);
        }
    }

    private void Run(string key, string fingerprint, Task<object> run)
    {
        _running.Add(key, new Running(fingerprint, [Sender]));
        run.PipeTo(
            Self,
            success: reply => new Ended(key, reply, null),
            failure: e => new Ended(key, new Refusal(ErrorCodes.Internal, "The fetch failed by a defect of this peer; the log has more. Call again with the same idempotency key."), e));
    }

    private void End(Ended ended)
    {
        if (ended.Defect is not null)
        {
            Log.Error(ended.Defect, "A fetch failed");
        }

        if (_running.Remove(ended.Key, out var running))
        {
            running.Askers.ForEach(asker => asker.Tell(ended.Reply));
        }
    }

    /// <summary>A session asks after a restart: what was never journalled never left.</summary>
    private void Resolve(FetchCommands.Resolve resolve)
    {
        var key = resolve.ChannelKey[FetchCommands.ChannelPrefix.Length..];
        var known = _state.Find(key, resolve.ReservationId);
        var outcome = known is null ? _running.ContainsKey(key) ? PaymentOutcome.Unknown : PaymentOutcome.Refused
            : known.IsOpen ? PaymentOutcome.Unknown
            : known.Outcome == FetchOutcome.Paid ? PaymentOutcome.Accepted
            : PaymentOutcome.Refused;
        Sender.Tell(new PaymentSettled(resolve.ChannelKey, resolve.ReservationId, outcome, outcome == PaymentOutcome.Accepted ? known!.Amount : Amount.Zero(known?.Amount.Currency ?? Currency.Usdc)));
    }

    private void Record(FetchRecord record)
    {
        var happened = record.Event;
        if (!_state.Accepts(happened))
        {
            Sender.Tell(happened is FetchEvents.Authorized || _state.Find(happened.Key, happened.Number) is not { } known
                ? new Refusal(ErrorCodes.Conflict, "The server's challenge was answered before, so it was not answered again. Try again.")
                : known);
            return;
        }

        Persist(happened, written =>
        {
            _state = _state.Apply(written);
            Sender.Tell(_state.Find(written.Key, written.Number)!);
            SaveSnapshotEvery(SnapshotEvery, () => FetchSnapshot.Of(_state));
        });
    }

    private void LookAtChains()
    {
        _lookers.Add(Sender);
        if (_lookers.Count > 1)
        {
            return;
        }

        var open = _state.Open.Where(a => !_running.ContainsKey(a.Signed.Key)).ToList();
        if (_chains is null || open.Count == 0)
        {
            LookEnded(new FetchLooked(null));
            return;
        }

        LookAsync(Self, _chains, open, _services.Time.GetUtcNow()).PipeTo(Self, success: () => new FetchLooked(null), failure: e => new FetchLooked(e));
    }

    private void LookEnded(FetchLooked looked)
    {
        _lookers.ForEach(looker => looker.Tell(looked));
        _lookers.Clear();
        if (looked.Failure is not null)
        {
            Log.Warning("The chain could not be asked about {0} open payments: {1}", _state.OpenCount, looked.Failure.Message);
        }
    }

    private async Task LookAsync(IActorRef self, IChains chains, IReadOnlyList<Authorization> open, DateTimeOffset now)
    {
        using var deadline = new CancellationTokenSource(_times.ChainTimeout);
        foreach (var authorization in open)
        {
            var signed = authorization.Signed;
            if (chains.Find(signed.ChainId) is not { } chain)
            {
                continue;
            }

            // Once used is for good; not used is for good once it has ended.
            var isUsed = await chain.IsAuthorizationUsedAsync(signed.Payer, signed.Nonce, deadline.Token).ConfigureAwait(false);
            if (!isUsed && now < authorization.End + _times.AfterEnd)
            {
                continue;
            }

            IFetchEvent happened = isUsed ? new FetchEvents.Paid(signed.Key, signed.Number, null) : new FetchEvents.Unused(signed.Key, signed.Number);
            if (await self.Ask<object>(new FetchRecord(happened), deadline.Token).ConfigureAwait(false) is Authorization { IsOpen: false } known)
            {
                await FetchCall.SettleAsync(_services, known, StepOf(known, now)).ConfigureAwait(false);
            }
        }
    }

    private static TraceStep StepOf(Authorization known, DateTimeOffset now)
    {
        var (signed, isPaid) = (known.Signed, known.Outcome == FetchOutcome.Paid);
        var startedAt = DateTimeOffset.FromUnixTimeMilliseconds(signed.AtMs);
        return new TraceStep(
            0, "fetch", FetchCall.OperationOf(new Uri(signed.Resource)), startedAt, now - startedAt, isPaid ? known.Amount : Amount.Zero(known.Amount.Currency), false,
            isPaid ? $"{ErrorCodes.ToolFailed}: The chain says that it was paid; the server's answer is lost." : $"{ErrorCodes.PaymentRequired}: The payment ended without having been used.", signed.Resource, null);
    }

    private sealed record Running(string Fingerprint, List<IActorRef> Askers);

    private sealed record Ended(string Key, object Reply, Exception? Defect);
}

/// <summary>Asks the chain about what is open; also what wakes the entity after a restart. Answered with <see cref="FetchLooked"/> when that has ended.</summary>
internal sealed record FetchLook;

/// <summary>The look has ended.</summary>
internal sealed record FetchLooked(Exception? Failure);
