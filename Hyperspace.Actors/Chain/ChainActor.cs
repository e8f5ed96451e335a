using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Actors.Chain;

/// <summary>
/// Gets this peer's transactions onto the chains: one actor for its one wallet. For each chain with something open it goes
/// round: ask the node, decide, journal, send. What it reads of a node never waits for another chain's.
/// </summary>
internal sealed class ChainActor : JournaledActor, IWithTimers
{
    private const int MaxWaiting = 1000;
    private static readonly TimeSpan MaxAwait = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromMinutes(2);

    private readonly IChains _chains;
    private readonly IEvmNodes _nodes;
    private readonly IWallet _wallet;
    private readonly ChainTimes _times;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopped = new();
    private readonly HashSet<ulong> _busy = [];
    private readonly Dictionary<ulong, int> _failures = [];
    private readonly Dictionary<long, Waiting> _waiting = [];
    private long _lastWaiting;
    private ChainState _state = new();

    public ChainActor(IChains chains, IEvmNodes nodes, IWallet wallet, ChainTimes times, TimeProvider time)
        : base("chain-transactions", Journals.Payments)
    {
        _chains = chains;
        _nodes = nodes;
        _wallet = wallet;
        _times = times;
        _time = time;
        Recover<IChainEvent>(happened => _state = _state.Apply(happened));
        Recover<RecoveryCompleted>(_ => Resume());
        Command<ChainCommands.Submit>(OnSubmit);
        Command<ChainCommands.Get>(get => Sender.Tell((object?)_state.Find(get.IntentId)?.View() ?? Unknown(get.IntentId)));
        Command<ChainCommands.Await>(OnAwait);
        Command<GiveUp>(OnGiveUp);
        Command<Look>(look => StartRound(look.ChainId));
        Command<Looked>(OnLooked);
        Command<Sent>(OnSent);
        Command<RoundFailed>(OnRoundFailed);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => JournalRefusals.Payments;

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
        base.PostStop();
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);

        // What was decided did not happen: the next round decides again.
        foreach (var chainId in _busy)
        {
            Schedule(chainId, MaxDelay);
        }

        _busy.Clear();
    }

    private void OnSubmit(ChainCommands.Submit submit)
    {
        var (happened, refusal) = _state.Decide(submit, _chains, _time.GetUtcNow());
        if (happened is null)
        {
            Sender.Tell((object?)refusal ?? _state.Find(submit.IntentId)!.View());
            return;
        }

        Persist(happened, submitted =>
        {
            _state = _state.Apply(submitted);
            FaultPoints.Hit("chain.submitted");
            Sender.Tell(_state.Find(submitted.IntentId)!.View());
            StartRound(submitted.ChainId);
        });
    }

    private void OnAwait(ChainCommands.Await wait)
    {
        if (_state.Find(wait.IntentId) is not { } intent)
        {
            Sender.Tell(Unknown(wait.IntentId));
        }
        else if (wait.Timeout <= TimeSpan.Zero || wait.Timeout > MaxAwait)
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, $"Wait for a transaction for at most {MaxAwait.TotalMinutes} minutes."));
        }
        else if (intent.IsFinal)
        {
            Sender.Tell(intent.View());
        }
        else if (_waiting.Count >= MaxWaiting)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, "Too many wait for transactions; ask again."));
        }
        else
        {
            var id = ++_lastWaiting;
            _waiting[id] = new Waiting(wait.IntentId, Sender);
            Timers.StartSingleTimer(id, new GiveUp(id), wait.Timeout);
        }
    }

    private void OnGiveUp(GiveUp up)
    {
        if (_waiting.Remove(up.Id, out var waiting))
        {
            waiting.Asker.Tell(_state.Find(waiting.IntentId)!.View());
        }
    }

    private void Resume()
    {
        foreach (var chainId in _state.Open.Select(id => _state.Intents[id].Wish.ChainId).Distinct())
        {
            if (_nodes.NodeOf(chainId) is null)
            {
                Log.Warning("Transactions of chain {0} are open, and this peer is no longer set up for it: they wait until it is.", chainId);
            }

            Self.Tell(new Look(chainId));
        }
    }

    private void StartRound(ulong chainId)
    {
        if (_state.Ask(chainId) is not { } questions || _nodes.NodeOf(chainId) is not { } node || !_busy.Add(chainId))
        {
            return;
        }

        Timers.Cancel(chainId);
        LookAsync(node, questions).PipeTo(Self, failure: e => new RoundFailed(chainId, e));
    }

    private async Task<Looked> LookAsync(IEvmNode node, ChainQuestions questions)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        timeout.CancelAfter(RoundTimeout);
        return new Looked(questions, await ChainLook.AskAsync(node, _wallet.Address, questions, timeout.Token));
    }

    private void OnLooked(Looked looked)
    {
        var chainId = looked.Questions.ChainId;
        var decision = _state.Decide(looked.Questions, looked.Answers, _chains.Find(chainId)!.Options, _wallet, _times, _time.GetUtcNow());
        _state = decision.State;
        _failures.Remove(chainId);
        if (decision.Events.Count == 0)
        {
            Send(chainId, decision);
            return;
        }

        void Happen(IChainEvent happened)
        {
            _state = _state.Apply(happened);
            AnswerWaiting(happened.IntentId);
        }

        PersistAllFor(ActorRefs.Nobody, decision.Events, Happen, () =>
        {
            FaultPoints.Hit("chain.decided");
            Send(chainId, decision);
        });
    }

    private void Send(ulong chainId, ChainDecision decision)
    {
        var transactions = decision.Send.Select(id => (id, _state.Intents[id].Signed[^1].Raw)).ToList();
        SendAsync(_nodes.NodeOf(chainId)!, chainId, transactions, decision.Events.Count > 0).PipeTo(Self, failure: e => new RoundFailed(chainId, e));
    }

    private async Task<Sent> SendAsync(IEvmNode node, ulong chainId, IReadOnlyList<(string Id, ReadOnlyMemory<byte> Raw)> transactions, bool goOn)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token);
        timeout.CancelAfter(RoundTimeout);
        var sent = new List<(string, string?)>();
        foreach (var (id, raw) in transactions)
        {
            string? trouble = null;
            try
            {
                await node.SendRawTransactionAsync(raw, timeout.Token);
            }
            catch (EvmRpcException e) when (IsThereAlready(e))
            {
                // The next look tells what became of it.
            }
            catch (IOException e)
            {
                trouble = e.Message;
            }

            sent.Add((id, trouble));
            FaultPoints.Hit("chain.sent");
        }

        return new Sent(chainId, sent, goOn);
    }

    private void OnSent(Sent sent)
    {
        foreach (var (id, trouble) in sent.Transactions)
        {
            _state = _state.Sent(id, _time.GetUtcNow(), trouble);
            if (trouble is not null)
            {
                Log.Warning("The transaction of {0} was not taken yet: {1}", id, trouble);
            }
        }

        _busy.Remove(sent.ChainId);
        if (sent.GoOn)
        {
            StartRound(sent.ChainId);
        }
        else
        {
            Schedule(sent.ChainId, _times.Interval);
        }
    }

    private void OnRoundFailed(RoundFailed failed)
    {
        _busy.Remove(failed.ChainId);
        if (failed.Cause is not IOException and not OperationCanceledException)
        {
            Log.Error(failed.Cause, "Looking at chain {0} failed", failed.ChainId);
        }

        var trouble = failed.Cause is IOException ? failed.Cause.Message : "The chain could not be asked; the log has more.";
        _state = _state.Troubled(failed.ChainId, trouble);
        var failures = _failures[failed.ChainId] = _failures.GetValueOrDefault(failed.ChainId) + 1;
        if (failures == 1)
        {
            Log.Warning("{0} Transactions wait.", trouble);
        }

        var delay = _times.Interval * Math.Pow(2, Math.Min(failures, 10));
        Schedule(failed.ChainId, delay < MaxDelay ? delay : MaxDelay);
    }

    private void Schedule(ulong chainId, TimeSpan delay)
    {
        if (_state.Ask(chainId) is not null)
        {
            Timers.StartSingleTimer(chainId, new Look(chainId), delay);
        }
    }

    private void AnswerWaiting(string intentId)
    {
        if (_state.Find(intentId) is not { IsFinal: true } intent)
        {
            return;
        }

        foreach (var (id, waiting) in _waiting.Where(w => w.Value.IntentId == intentId).ToList())
        {
            _waiting.Remove(id);
            Timers.Cancel(id);
            waiting.Asker.Tell(intent.View());
        }
    }

    // What nodes say when they have it, or had it.
    private static bool IsThereAlready(EvmRpcException e) =>
        ((string[])["already known", "known transaction", "already imported", "already in mempool", "nonce too low"]).Any(said => e.Message.Contains(said, StringComparison.OrdinalIgnoreCase));

    private static Refusal Unknown(string intentId) => new(ErrorCodes.NotFound, $"No transaction was submitted as '{intentId}'.");

    private sealed record Waiting(string IntentId, IActorRef Asker);

    private sealed record GiveUp(long Id);

    private sealed record Look(ulong ChainId);

    private sealed record Looked(ChainQuestions Questions, ChainAnswers Answers);

    private sealed record Sent(ulong ChainId, IReadOnlyList<(string Id, string? Trouble)> Transactions, bool GoOn);

    private sealed record RoundFailed(ulong ChainId, Exception Cause);
}
