using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Ledger;

/// <summary>What may happen between two peers that pay each other.</summary>
public enum Move
{
    Pay,
    PayDear,
    Arrive,
    Lose,
    AnswerReaches,
    AskPayee,
    PayBack,
    ArriveBack,
    AskPayeeBack,
    OpenAnother,
    Close,
}

/// <summary>Two peers that pay each other over channels made of the real states, each with the journal that its actors would have written.</summary>
internal sealed class TwoPeers
{
    private readonly Lane _there;
    private readonly Lane _back;

    public TwoPeers()
    {
        _there = new Lane(A, B);
        _back = new Lane(B, A);
    }

    public Peer A { get; } = new(ChannelPair.Payer);

    public Peer B { get; } = new(ChannelPair.Payee);

    public static TwoPeers After(IEnumerable<Move> moves)
    {
        var world = new TwoPeers();
        foreach (var move in moves)
        {
            world.Do(move);
        }

        return world;
    }

    public void Do(Move move)
    {
        switch (move)
        {
            case Move.Pay or Move.PayDear:
                _there.Pay(move == Move.Pay ? 7UL : 300UL);
                break;
            case Move.Arrive:
                _there.Arrive();
                break;
            case Move.Lose:
                _there.Lose();
                break;
            case Move.AnswerReaches:
                _there.Answer();
                break;
            case Move.AskPayee:
                _there.AskPayee();
                break;
            case Move.PayBack:
                _back.Pay(11);
                break;
            case Move.ArriveBack:
                _back.Arrive();
                _back.Answer();
                break;
            case Move.AskPayeeBack:
                _back.AskPayee();
                break;
            case Move.OpenAnother:
                _there.OpenAnother();
                break;
            case Move.Close:
                _there.Close();
                break;
        }
    }

    /// <summary>What is on its way arrives, and the payee says what became of what is open.</summary>
    public void Settle()
    {
        foreach (var lane in (Lane[])[_there, _back])
        {
            lane.AskPayee();
        }
    }

    /// <summary>A peer and its journal.</summary>
    internal sealed class Peer(PeerIdentity identity)
    {
        public PeerIdentity Identity { get; } = identity;

        public string Id => Identity.PeerId.ToString();

        public List<(string PersistenceId, object Event)> Journal { get; } = [];

        public Dictionary<string, PayerChannelState> Paying { get; } = [];

        public Dictionary<string, PayeeChannelState> Receiving { get; } = [];
    }

    private sealed class Lane
    {
        private readonly Peer _payer;
        private readonly Peer _payee;
        private readonly PaymentTerms _terms;
        private readonly string _key;
        private readonly List<PayeeChannelCommands.Accept> _network = [];
        private readonly List<(string RequestId, bool Accepted)> _answers = [];
        private int _requests;
        private byte _salt;

        public Lane(Peer payer, Peer payee)
        {
            (_payer, _payee, _key) = (payer, payee, $"{payee.Id}:USDC");
            _terms = MutualCredit.TermsOf(payee.Identity, new PeerOptions { DataDirectory = "", MaxCreditMicro = 5_000 });
            _payer.Paying[_key] = new PayerChannelState(_key) { Window = 4 };
            OpenAnother();
        }

        private PayerChannelState Payer => _payer.Paying[_key];

        private string ChannelId => ChannelIds.ToText(ChannelIds.Of(Payer.Terms!));

        public void Pay(ulong priceMicro)
        {
            var pay = Request(priceMicro);
            if (Payer.Decide(pay) is not PayDecision.Issue issue)
            {
                return;
            }

            Happened(issue.Event);
            var voucher = new VoucherSigner(_payer.Identity.Wallet).Sign(Payer.Terms!, issue.Event.CumulativeMicro);
            _network.Add(new PayeeChannelCommands.Accept(ChannelId, _payer.Id, pay.RequestId, voucher, pay.Price));
        }

        public void Arrive()
        {
            if (_network is [var accept, ..])
            {
                _network.RemoveAt(0);
                var decision = _payee.Receiving[accept.ChannelId].Decide(accept);
                Happened(accept.ChannelId, decision);
                _answers.Add((accept.RequestId, decision.Reply is VoucherAccepted));
            }
        }

        public void Lose()
        {
            if (_network.Count > 0)
            {
                _network.RemoveAt(_network.Count - 1);
            }
        }

        public void Answer()
        {
            foreach (var (requestId, accepted) in _answers)
            {
                if (Payer.Resolve(requestId, accepted) is { } resolved)
                {
                    Happened(resolved);
                }
            }

            _answers.Clear();
        }

        /// <summary>What became of everything in flight; what is not paid then never will be.</summary>
        public void AskPayee()
        {
            foreach (var requestId in Payer.Flying.Keys.Order(StringComparer.Ordinal).ToList())
            {
                var decision = _payee.Receiving[ChannelId].Decide(new PayeeChannelCommands.Resolve(ChannelId, _payer.Id, requestId));
                Happened(ChannelId, decision);
                Happened(Payer.Resolve(requestId, ((PayeeChannelView)decision.Reply).RequestPaid)!);
            }
        }

        public void OpenAnother()
        {
            if (!Payer.Flying.IsEmpty || Payer.Used.Count > 4)
            {
                return;
            }

            var salt = new byte[32];
            salt[0] = _salt++;
            Happened(Payer.Propose(Request(1), _payer.Identity.Wallet.Address.Span, salt, 500));

            // Every third payee will not have it.
            if (_salt % 3 == 0)
            {
                Happened(new PayerChannelEvents.Withdrawn());
                return;
            }

            var state = new PayeeChannelState(ChannelId);
            _payee.Receiving[ChannelId] = state;
            Happened(ChannelId, state.Decide(new PayeeChannelCommands.Open(ChannelId, _payer.Id, Payer.Terms!, _payer.Identity.Binding), _terms, null));
            Happened(new PayerChannelEvents.Confirmed());
        }

        public void Close()
        {
            AskPayee();
            if (!Payer.IsOpen || Payer.AcceptedMicro == 0)
            {
                return;
            }

            var final = new VoucherSigner(_payer.Identity.Wallet).Sign(Payer.Terms!, Payer.AcceptedMicro);
            var decision = _payee.Receiving[ChannelId].Decide(new PayeeChannelCommands.Close(ChannelId, _payer.Id, final), _payee.Id);
            Happened(ChannelId, decision);
            var closed = (PayeeChannelView)decision.Reply;
            Happened(new PayerChannelEvents.ClosingBegun());
            Happened(new PayerChannelEvents.Closed(closed.Settled.MicroUnits, closed.Refunded.MicroUnits));
            OpenAnother();
        }

        private PayerChannelCommands.Pay Request(ulong priceMicro) =>
            new(_key, $"{_payer.Id[^4..]}-{_requests++}", Amount.MicroUsdc(priceMicro), _payee.Id, _terms, _payee.Identity.Binding, _requests % 2 == 0 ? "ses_1" : null);

        private void Happened(object happened)
        {
            _payer.Paying[_key] = Payer.Apply(happened);
            _payer.Journal.Add(("payer-channel-" + _key, happened));
        }

        private void Happened(string channelId, PayeeDecision decision)
        {
            if (decision.Event is { } happened)
            {
                _payee.Receiving[channelId] = _payee.Receiving[channelId].Apply(happened);
                _payee.Journal.Add(("payee-channel-" + channelId, happened));
            }
        }
    }
}
