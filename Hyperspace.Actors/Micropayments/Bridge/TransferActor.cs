using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Bridge;

/// <summary>
/// Moves channels to other chains. For each transfer it looks how the channels stand, journals what follows, and asks for the
/// next step if nothing does; after a restart it goes on from there.
/// </summary>
internal sealed class TransferActor : JournaledActor, IWithTimers
{
    // Closing and opening wait for confirmations of their chains.
    private static readonly TimeSpan StepTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(30);

    private readonly IReadOnlyActorRegistry _registry;
    private readonly IChains _chains;
    private readonly ReadOnlyMemory<byte> _wallet;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly HashSet<string> _busy = new(StringComparer.Ordinal);
    private TransferState _state = new();

    public TransferActor(IReadOnlyActorRegistry registry, IChains chains, ReadOnlyMemory<byte> wallet, TimeSpan interval, TimeProvider time)
        : base("channel-transfers", Journals.Payments)
    {
        (_registry, _chains, _wallet, _interval, _time) = (registry, chains, wallet, interval, time);
        Recover<ITransferEvent>(happened => _state = _state.Apply(happened));
        Recover<RecoveryCompleted>(_ =>
        {
            foreach (var transfer in _state.Open)
            {
                Self.Tell(new GoOn(transfer.Begun.ChannelId));
            }
        });
        Command<TransferCommands.Begin>(begin => CheckAsync(begin).PipeTo(Self, Sender, failure: e => new Refusal(ErrorCodes.Timeout, $"The channels did not answer: {e.Message} Try again.")));
        Command<Checked>(OnChecked);
        Command<TransferCommands.Get>(get => Sender.Tell(
            (object?)_state.Transfers.GetValueOrDefault(get.ChannelId)?.View() ?? new Refusal(ErrorCodes.NotFound, "This channel was never moved to another chain.")));
        Command<GoOn>(OnGoOn);
        Command<Stepped>(OnStepped);
        Command<Refusal>(refusal => Sender.Tell(refusal));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => JournalRefusals.Payments;

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        foreach (var transfer in _state.Open)
        {
            Timers.StartSingleTimer(transfer.Begun.ChannelId, new GoOn(transfer.Begun.ChannelId), _interval);
        }
    }

    /// <summary>What the decision needs to know: the channel, and whether the wallet can fund the new one.</summary>
    private async Task<object> CheckAsync(TransferCommands.Begin begin)
    {
        var answer = await _registry.Get<ActorKeys.Channels>().Ask<object>(new GetChannelTotals(), AskTimeout);
        if (answer is not ChannelTotals totals)
        {
            return answer as Refusal ?? new Refusal(ErrorCodes.Internal, "The list of channels gave no answer.");
        }

        var channel = totals.Paying.FirstOrDefault(c => c.ChannelId == begin.ChannelId);
        if (channel is { Phase: ChannelPhase.Open } && _chains.Find(begin.ToChainId) is { } chain)
        {
            var needed = channel.Deposit.MicroUnits - channel.Accepted.MicroUnits;
            try
            {
                using var deadline = new CancellationTokenSource(AskTimeout);
                var has = await chain.TokenBalanceAsync(_wallet, deadline.Token);
                if (has < needed)
                {
                    return new Refusal(
                        ErrorCodes.PaymentInsufficient,
                        $"This peer's wallet has {has} units of {chain.Options.Token.Currency} on chain {begin.ToChainId}, and the new channel needs up to {needed}. Tokens do not cross by themselves: bring them there first.");
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                return new Refusal(ErrorCodes.PeerUnreachable, $"Chain {begin.ToChainId} cannot be asked what this peer's wallet has there; nothing was done. {(e is IOException ? e.Message : "")}");
            }
        }

        return new Checked(begin, channel);
    }

    private void OnChecked(Checked found)
    {
        var escrows = _chains.All.Where(chain => chain.Escrow is not null).Select(chain => chain.ChainId).ToHashSet();
        var (begun, refusal) = _state.Decide(found.Begin, found.Channel, escrows, _time.GetUtcNow());
        if (begun is null)
        {
            Sender.Tell((object?)refusal ?? _state.Transfers[found.Begin.ChannelId].View());
            return;
        }

        Persist(begun, happened =>
        {
            _state = _state.Apply(happened);
            FaultPoints.Hit("bridge.begun");
            Sender.Tell(_state.Transfers[happened.ChannelId].View());
            Self.Tell(new GoOn(happened.ChannelId));
        });
    }

    private void OnGoOn(GoOn go)
    {
        if (_state.Transfers.GetValueOrDefault(go.ChannelId) is { IsOver: false } transfer && _busy.Add(go.ChannelId))
        {
            StepAsync(transfer).PipeTo(Self, failure: e => new Stepped(go.ChannelId, null, null, e is AskTimeoutException ? "No answer yet." : e.Message));
        }
    }

    private async Task<Stepped> StepAsync(Transfer transfer)
    {
        var (id, key) = (transfer.Begun.ChannelId, transfer.Begun.ChannelKey);
        var payers = _registry.Get<ActorKeys.PayerChannels>();
        if (await payers.Ask<object>(new PayerChannelCommands.GetHistory(key), AskTimeout) is not PayerChannelHistory history)
        {
            return new Stepped(id, null, null, "The channels to this payee gave no answer.");
        }

        if (TransferState.See(transfer, history.Channels) is { } seen)
        {
            return new Stepped(id, transfer.Step, seen, null);
        }

        object step = transfer.Step == TransferStep.Closing
            ? new PayerChannelCommands.Close(key, id)
            : new PayerChannelCommands.Open(key, transfer.Begun.PayeePeerId, transfer.Moved, transfer.Begun.ToChainId);
        var answer = await payers.Ask<object>(step, StepTimeout);
        if (answer is Refusal refusal)
        {
            // It may have been done all the same: only how the channels stand tells.
            var after = await payers.Ask<object>(new PayerChannelCommands.GetHistory(key), AskTimeout) as PayerChannelHistory;
            return new Stepped(id, transfer.Step, (after is null ? null : TransferState.See(transfer, after.Channels)) ?? TransferState.Decide(transfer, refusal), refusal.Message);
        }

        return new Stepped(id, transfer.Step, answer is PayerChannelView view ? TransferState.See(transfer, [view]) : null, null);
    }

    private void OnStepped(Stepped stepped)
    {
        _busy.Remove(stepped.ChannelId);
        if (_state.Transfers.GetValueOrDefault(stepped.ChannelId) is not { IsOver: false } transfer)
        {
            return;
        }

        // An answer to a step that is over, from before a restart of this actor, says nothing.
        if (stepped.Happened is null || stepped.Step != transfer.Step)
        {
            if (stepped.Trouble is not null)
            {
                _state = _state.Troubled(stepped.ChannelId, stepped.Trouble);
            }

            Timers.StartSingleTimer(stepped.ChannelId, new GoOn(stepped.ChannelId), _interval);
            return;
        }

        PersistFor(ActorRefs.Nobody, stepped.Happened, happened =>
        {
            _state = _state.Apply(happened);
            FaultPoints.Hit(happened is TransferEvents.Closed ? "bridge.closed" : "bridge.ended");
            if (happened is TransferEvents.Failed failed)
            {
                Log.Warning("The transfer of channel {0} ended: {1}", failed.ChannelId, failed.Reason);
            }

            Self.Tell(new GoOn(happened.ChannelId));
        });
    }

    private sealed record Checked(TransferCommands.Begin Begin, PayerChannelView? Channel);

    private sealed record GoOn(string ChannelId);

    private sealed record Stepped(string ChannelId, TransferStep? Step, ITransferEvent? Happened, string? Trouble);
}
