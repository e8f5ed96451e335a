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
        }
    }

    /// <summary>What is on its way arrives, and the payee says what became of what is open.</summary>
    public void Settle()
    {
        foreach (var lane in (Lane[])[_there, _back])
        {
            lane.Arrive();
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
        private PayeeChannelCommands.Accept? _flying;
        private (string RequestId, bool Accepted)? _answer;
        private int _requests;
        private byte _salt;

        public Lane(Peer payer, Peer payee)
        {
            (_payer, _payee, _key) = (payer, payee, $"{payee.Id}:USDC");
            _terms = MutualCredit.TermsOf(payee.Identity, new PeerOptions { DataDirectory = "", MaxCreditMicro = 5_000 });
            _payer.Paying[_key] = new PayerChannelState(_key);
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
            _flying = new PayeeChannelCommands.Accept(ChannelId, _payer.Id, pay.RequestId, voucher, pay.Price);
        }

        public void Arrive()
        {
            if (_flying is { } accept)
            {
                _flying = null;
                var decision = _payee.Receiving[accept.ChannelId].Decide(accept);
                Happened(accept.ChannelId, decision);
                _answer = (accept.RequestId, decision.Reply is VoucherAccepted);
            }
        }

        public void Lose() => _flying = null;

        public void Answer()
        {
            if (_answer is var (requestId, accepted) && Payer.Resolve(requestId, accepted) is { } resolved)
            {
                Happened(resolved);
            }

            _answer = null;
        }

        public void AskPayee()
        {
            if (Payer.InFlight is not { } flying)
            {
                return;
            }

            var decision = _payee.Receiving[ChannelId].Decide(new PayeeChannelCommands.Resolve(ChannelId, _payer.Id, flying.RequestId));
            Happened(ChannelId, decision);
            if (_flying is { } late && late.RequestId == flying.RequestId)
            {
                _flying = null;
            }

            Happened(Payer.Resolve(flying.RequestId, ((PayeeChannelView)decision.Reply).RequestPaid)!);
        }

        public void OpenAnother()
        {
            if (Payer.InFlight is not null || Payer.Used.Count > 2)
            {
                return;
            }

            var salt = new byte[32];
            salt[0] = _salt++;
            Happened(Payer.Propose(Request(1), _payer.Identity.Wallet.Address.Span, salt, 1_000));

            // Every third payee will not have it.
            if (_salt % 3 == 0)
            {
                Happened(new PayerChannelEvents.Withdrawn());
                return;
            }

            var state = new PayeeChannelState(ChannelId);
            _payee.Receiving[ChannelId] = state;
            Happened(ChannelId, state.Decide(new PayeeChannelCommands.Open(ChannelId, _payer.Id, Payer.Terms!, _payer.Identity.Binding), _terms));
            Happened(new PayerChannelEvents.Confirmed());
        }

        private PayerChannelCommands.Pay Request(ulong priceMicro) =>
            new(_key, $"{_payer.Id[^4..]}-{_requests++}", Amount.MicroUsdc(priceMicro), _payee.Id, _terms, _payee.Identity.Binding);

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
