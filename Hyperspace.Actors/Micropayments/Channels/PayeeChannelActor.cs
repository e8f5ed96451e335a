using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>One channel that pays this peer: journals what <see cref="PayeeChannelState"/> decides, then replies.</summary>
internal sealed class PayeeChannelActor : ReceivePersistentActor
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan UnknownTimeout = TimeSpan.FromSeconds(10);
    private readonly IReadOnlyActorRegistry _registry;
    private readonly PaymentTerms _terms;
    private PayeeChannelState _state;

    public PayeeChannelActor(string channelId, PaymentTerms terms, IReadOnlyActorRegistry registry)
    {
        (_state, _terms, _registry) = (new PayeeChannelState(channelId), terms, registry);
        PersistenceId = "payee-channel-" + channelId;
        JournalPluginId = Journals.Payments;
        SnapshotPluginId = Journals.PaymentsSnapshots;

        Recover<SnapshotOffer>(offer => _state = ((PayeeChannelSnapshot)offer.Snapshot).State);
        Recover<PayeeChannelEvents.Opened>(e => _state = _state.Apply(e));
        Recover<PayeeChannelEvents.VoucherTaken>(e => _state = _state.Apply(e));
        Recover<PayeeChannelEvents.Delivered>(e => _state = _state.Apply(e));
        Recover<PayeeChannelEvents.Voided>(e => _state = _state.Apply(e));

        // Anyone may ask after a channel that is not there; its entity must not stay.
        Recover<RecoveryCompleted>(_ => Context.SetReceiveTimeout(_state.Terms is null ? UnknownTimeout : IdleTimeout));

        Command<PayeeChannelCommands.Accept>(accept => Carry(_state.Decide(accept)));
        Command<PayeeChannelCommands.Delivered>(delivered => Carry(_state.Decide(delivered)));
        Command<PayeeChannelCommands.Resolve>(resolve => Carry(_state.Decide(resolve)));
        Command<PayeeChannelCommands.Get>(get => Carry(_state.Decide(get)));
        Command<PayeeChannelCommands.Open>(Open);
        Command<Admitted>(admitted => Carry(_state.Decide(admitted.Open, _terms)));
        Command<SaveSnapshotSuccess>(saved => DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1)));
        Command<SaveSnapshotFailure>(failed => Context.GetLogger().Warning(failed.Cause, "No snapshot of {0}; recovery takes longer", PersistenceId));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failed => Context.GetLogger().Warning(failed.Cause, "Old snapshots of {0} stay", PersistenceId));
        Command<ReceiveTimeout>(_ => Context.Parent.Tell(new Passivate(StopEntity.Instance)));
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    public override string PersistenceId { get; }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        Context.GetLogger().Error(cause, "The payments journal refused an event of {0}", PersistenceId);
        Sender.Tell(Failed(@event));
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        Sender.Tell(Failed(@event));
    }

    /// <summary>Credit is given by the list of channels, which knows the payer's others; then the channel opens.</summary>
    private void Open(PayeeChannelCommands.Open open)
    {
        var decision = _state.Decide(open, _terms);
        if (decision.Event is not PayeeChannelEvents.Opened opened)
        {
            Carry(decision);
            return;
        }

        var sender = Sender;
        var self = Self;
        var deposit = new Amount(opened.Terms.DepositMicro, Currency.Parse(opened.Terms.Currency));
        _registry.Get<ActorKeys.Channels>()
            .Ask<object>(new ChannelListCommands.AdmitPayee(open.ChannelId, open.PayerPeerId, deposit), ChannelLimits.AskTimeout)
            .ContinueWith(
                admission =>
                {
                    if (admission is { IsCompletedSuccessfully: true, Result: ChannelListed })
                    {
                        self.Tell(new Admitted(open), sender);
                    }
                    else
                    {
                        sender.Tell(admission is { IsCompletedSuccessfully: true, Result: Refusal refusal } ? refusal : new Refusal(ErrorCodes.Timeout, "The list of channels did not answer in time; ask again."));
                    }
                },
                TaskScheduler.Default);
    }

    private void Carry(PayeeDecision decision)
    {
        if (decision.Event is null)
        {
            Sender.Tell(decision.Reply);
            return;
        }

        Persist(decision.Event, happened =>
        {
            _state = _state.Apply(happened);
            Sender.Tell(decision.Reply);
            if (happened is PayeeChannelEvents.Opened)
            {
                Context.SetReceiveTimeout(IdleTimeout);
            }

            if (LastSequenceNr % ChannelLimits.SnapshotEvery == 0)
            {
                SaveSnapshot(new PayeeChannelSnapshot(_state));
            }
        });
    }

    private object Failed(object happened) => happened is PayeeChannelEvents.VoucherTaken taken
        ? new VoucherRefused(_state.ChannelId, JournalFailures.Refusal.Code, JournalFailures.Refusal.Message, _state.View(taken.RequestId))
        : JournalFailures.Refusal;

    /// <summary>The list of channels has given credit.</summary>
    private sealed record Admitted(PayeeChannelCommands.Open Open);
}
