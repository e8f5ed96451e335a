using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>
/// Payer and payee together, over a network that loses, repeats and reorders, while either side crashes at any moment and
/// comes back from its journal: no micro-unit is made or lost, none is served unpaid, none is charged twice.
/// </summary>
public class ChannelModelTests
{
    public enum Step
    {
        Pay,
        PayDear,
        DeliverOldest,
        DeliverNewest,
        Lose,
        Repeat,
        AnswerReachesPayer,
        AnswerLost,
        GiveUpAndAsk,
        PayerCrashes,
        PayeeCrashes,
    }

    [Property(MaxTest = 150, EndSize = 120)]
    public void Money_is_conserved_whatever_happens(Step[] steps)
    {
        var world = new World();
        foreach (var step in steps)
        {
            world.Do(step);
            world.Check();
        }

        world.Settle();
        world.Check();
        Assert.Equal(world.Payee.SpentMicro, world.SettledByPayer);
        Assert.Equal(world.Payee.AcceptedMicro, world.Payer.AcceptedMicro);
    }

    private sealed class World
    {
        private readonly List<object> _payerJournal = [];
        private readonly List<object> _payeeJournal = [];
        private readonly List<PayeeChannelCommands.Accept> _network = [];
        private readonly List<PayeeChannelCommands.Accept> _sent = [];
        private readonly List<(string RequestId, bool Accepted)> _answers = [];
        private readonly Dictionary<string, ulong> _served = [];
        private int _requests;

        public PayerChannelState Payer { get; private set; } = ChannelPair.OpenPayer;

        public PayeeChannelState Payee { get; private set; } = ChannelPair.OpenPayee;

        public ulong SettledByPayer => (ulong)_payerJournal.OfType<PayerChannelEvents.Resolved>().Where(r => r.Accepted)
            .Sum(r => (decimal)_payerJournal.OfType<PayerChannelEvents.VoucherIssued>().Last(v => v.RequestId == r.RequestId).PriceMicro);

        public void Do(Step step)
        {
            switch (step)
            {
                case Step.Pay or Step.PayDear:
                    Pay(step == Step.Pay ? 7UL : 200UL);
                    break;
                case Step.DeliverOldest when _network.Count > 0:
                    Deliver(0);
                    break;
                case Step.DeliverNewest when _network.Count > 0:
                    Deliver(_network.Count - 1);
                    break;
                case Step.Lose when _network.Count > 0:
                    _network.RemoveAt(0);
                    break;
                case Step.Repeat when _sent.Count > 0:
                    _network.Add(_sent[_requests % _sent.Count]);
                    break;
                case Step.AnswerReachesPayer when _answers.Count > 0:
                    Resolve(_answers[0].RequestId, _answers[0].Accepted);
                    _answers.RemoveAt(0);
                    break;
                case Step.AnswerLost:
                    _answers.Clear();
                    break;
                case Step.GiveUpAndAsk:
                    AskPayee();
                    break;
                case Step.PayerCrashes:
                    // Every other time it comes back from a snapshot, as the journal would write it.
                    Payer = _payerJournal.Aggregate(ChannelPair.OpenPayer, (state, e) => state.Apply(Stored(e)));
                    Payer = ((PayerChannelSnapshot)Stored(new PayerChannelSnapshot(Payer))).State;
                    _answers.Clear();
                    AskPayee();
                    break;
                case Step.PayeeCrashes:
                    Payee = _payeeJournal.Aggregate(ChannelPair.OpenPayee, (state, e) => state.Apply(Stored(e)));
                    Payee = ((PayeeChannelSnapshot)Stored(new PayeeChannelSnapshot(Payee))).State;
                    break;
            }
        }

        /// <summary>What is still on its way arrives, and what is open is asked for.</summary>
        public void Settle()
        {
            AskPayee();
            while (_network.Count > 0)
            {
                Deliver(0);
            }

            AskPayee();
        }

        public void Check()
        {
            Assert.True(Payee.AcceptedMicro <= Payer.SignedMicro, "The payee holds more than was ever signed.");
            Assert.True(Payee.SpentMicro <= Payee.AcceptedMicro, "More was spent than accepted.");
            Assert.True(Payer.SignedMicro <= ChannelPair.DepositMicro, "More was signed than deposited.");
            Assert.Equal(Payee.SpentMicro, (ulong)_served.Values.Sum(price => (decimal)price));
            var taken = _payeeJournal.OfType<PayeeChannelEvents.VoucherTaken>().ToList();
            Assert.Equal(taken.Count, taken.Select(t => t.CumulativeMicro).Distinct().Count());
            Assert.Equal(taken.Count, taken.Select(t => t.RequestId).Distinct().Count());
        }

        private void Pay(ulong priceMicro)
        {
            var pay = ChannelPair.Pay($"r{_requests++}", priceMicro);
            if (Payer.Decide(pay) is not PayDecision.Issue issue)
            {
                return;
            }

            Payer = Payer.Apply(issue.Event);
            _payerJournal.Add(issue.Event);
            var accept = ChannelPair.Accept(pay.RequestId, issue.Event.CumulativeMicro, priceMicro);
            _network.Add(accept);
            _sent.Add(accept);
        }

        private void Deliver(int index)
        {
            var accept = _network[index];
            _network.RemoveAt(index);
            var decision = Payee.Decide(accept);
            if (decision.Event is { } taken)
            {
                Payee = Payee.Apply(taken);
                _payeeJournal.Add(taken);
                Assert.True(_served.TryAdd(accept.RequestId, accept.Price.MicroUnits), "A request was served twice for money.");
            }

            // A refusal is only told of the call that it answers, which is the one in flight or a repeat of an older one.
            _answers.Add((accept.RequestId, decision.Reply is VoucherAccepted));
        }

        private void Resolve(string requestId, bool accepted)
        {
            if (Payer.Resolve(requestId, accepted) is { } resolved)
            {
                Payer = Payer.Apply(resolved);
                _payerJournal.Add(resolved);
            }
        }

        private void AskPayee()
        {
            if (Payer.InFlight is not { } flying)
            {
                return;
            }

            var decision = Payee.Decide(new PayeeChannelCommands.Resolve(ChannelPair.ChannelId, ChannelPair.Payer.PeerId.ToString(), flying.RequestId));
            if (decision.Event is { } voided)
            {
                Payee = Payee.Apply(voided);
                _payeeJournal.Add(voided);
            }

            Resolve(flying.RequestId, ((PayeeChannelView)decision.Reply).RequestPaid);
        }

        private static object Stored(object happened) => ChannelJournal.Format.FromBytes(ChannelJournal.Format.ManifestOf(happened), ChannelJournal.Format.ToBytes(happened));
    }
}
