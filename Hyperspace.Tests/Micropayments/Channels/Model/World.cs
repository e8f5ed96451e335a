using Google.Protobuf;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments.Channels.Model;

/// <summary>
/// A payer, a payee, the network between them and the chain under them, one channel's life long. Both sides run the real
/// decisions; only the check of a signature is a cheap one, and a forged voucher fails it.
/// </summary>
internal sealed partial class World
{
    private const ulong Tokens = 10_000;
    private static readonly ByteString Good = ByteString.CopyFromUtf8("signed");
    private static readonly ByteString Id = ByteString.CopyFrom(ChannelIds.Of(ChannelPair.Terms));
    private readonly Random _random;
    private readonly bool _onChain;
    private readonly string _payerId;
    private readonly EscrowModel _chain;
    private readonly List<Action> _network = [];
    private readonly List<PayeeChannelCommands.Accept> _sent = [];
    private readonly HashSet<string> _served = [];
    private readonly Dictionary<string, bool> _settledByPayer = [];
    private readonly Side<PayerChannelState> _payer;
    private readonly Side<PayeeChannelState> _payee;
    private int _requests;
    private ulong _servedMicro;
    private bool _forced;

    public World(int seed)
    {
        _random = new Random(seed);
        _onChain = _random.Next(2) == 0;
        var terms = ChannelPair.Terms;
        _payerId = _onChain ? ChannelIds.PayerOf(terms.ChainId, terms.Payer.Span) : ChannelPair.Payer.PeerId.ToString();
        _chain = new EscrowModel(Tokens, terms.Payer.Memory, ChannelPair.PayeeTerms.Payee.Memory, ChannelPair.PayeeTerms.Token.Memory);
        _payer = new(new PayerChannelState(ChannelPair.Key) { Window = _random.Next(1, 9) }, (state, e) => state.Apply(e));
        _payee = new(new PayeeChannelState(ChannelPair.ChannelId, (_, _) => voucher => voucher.Signature.Equals(Good) && voucher.ChannelId.Equals(Id)), (state, e) => state.Apply(e));
        _payer.Commit(new PayerChannelEvents.Proposed(ChannelPair.Payee.PeerId.ToString(), terms, _onChain), () => { });
    }

    private PayerChannelState Payer => _payer.State;

    private PayeeChannelState Payee => _payee.State;

    public void Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Step();
            Check();
        }

        Quiesce();
        Check();
        CheckEnd();
    }

    private void Step()
    {
        switch (_random.Next(24))
        {
            case < 5:
                Pay();
                break;
            case < 10:
                Deliver();
                break;
            case 10 when _network.Count > 0:
                _network.RemoveAt(_random.Next(_network.Count));
                break;
            case 11 when _sent.Count > 0:
                var again = _sent[_random.Next(_sent.Count)];
                _network.Add(() => Accept(again));
                break;
            case 12:
                AskAll();
                break;
            case 13:
                _payer.Crash();
                _network.Clear();
                Open();
                AskAll();
                break;
            case 14:
                _payee.Crash();
                break;
            case 15 or 16:
                _payer.Write();
                break;
            case 17 or 18:
                _payee.Write();
                break;
            case 19:
                Forge();
                break;
            case 20:
                Stream();
                break;
            case 21 when _random.Next(3) == 0:
                TopUp();
                break;
            case 22 when _random.Next(6) == 0:
                Close();
                break;
            case 23 when _onChain:
                Chain();
                break;
            default:
                Open();
                break;
        }
    }

    private void Pay()
    {
        var price = (ulong)_random.Next(1, 200);
        if (!Payer.IsOpen || Payer.Decide(ChannelPair.Pay($"r{_requests++}", price)) is not PayDecision.Issue issue)
        {
            return;
        }

        _payer.Commit(issue.Event, () =>
        {
            var accept = new PayeeChannelCommands.Accept(ChannelPair.ChannelId, _payerId, issue.Event.RequestId, Signed(issue.Event.CumulativeMicro), Amount.MicroUsdc(price));
            _sent.Add(accept);
            _network.Add(() => Accept(accept));
        });
    }

    private void Deliver()
    {
        if (_network.Count > 0)
        {
            var index = _random.Next(_network.Count);
            var message = _network[index];
            _network.RemoveAt(index);
            message();
        }
    }

    private void Accept(PayeeChannelCommands.Accept accept)
    {
        var decision = Payee.Decide(accept);
        _payee.Commit(decision.Event, () =>
        {
            if (decision.Reply is VoucherAccepted { Repeated: false })
            {
                Serve(accept.RequestId, accept.Price.MicroUnits);
            }

            _network.Add(() => Settle(accept.RequestId, decision.Reply is VoucherAccepted));
        });
    }

    private void Settle(string requestId, bool accepted)
    {
        // A refusal may be of an older copy of the call: only the payee's status ends it then.
        if (accepted && Payer.Resolve(requestId, accepted: true) is { } resolved)
        {
            _settledByPayer[requestId] = true;
            _payer.CommitLater(resolved);
        }
    }

    private void Serve(string requestId, ulong priceMicro)
    {
        Assert.True(_served.Add(requestId), $"{requestId} was served twice for one payment");
        _servedMicro += priceMicro;
    }

    private void AskAll()
    {
        foreach (var requestId in Payer.Flying.Keys)
        {
            _network.Add(() => Ask(requestId));
        }
    }

    private void Ask(string requestId)
    {
        var decision = Payee.Decide(new PayeeChannelCommands.Resolve(ChannelPair.ChannelId, _payerId, requestId));
        if (decision.Reply is PayeeChannelView view)
        {
            _payee.Commit(decision.Event, () => _network.Add(() => Told(requestId, Standing(view))));
        }
    }

    private void Told(string requestId, ChannelStanding standing)
    {
        if (Payer.Resolve(requestId, standing) is { } resolved)
        {
            Assert.Equal(0UL, resolved.HeldMicro);
            _payer.Commit(resolved, () => _settledByPayer[requestId] = resolved.Accepted);
        }
    }

    /// <summary>A voucher that has left comes without its request, so that the balance grows first.</summary>
    private void Stream()
    {
        if (_sent.Count > 0)
        {
            _payee.Commit(Payee.Decide(new PayeeChannelCommands.Take(ChannelPair.ChannelId, _payerId, _sent[_random.Next(_sent.Count)].Voucher)).Event, () => { });
        }
    }

    /// <summary>Nothing that the payer has not signed, or that another sends, changes anything.</summary>
    private void Forge()
    {
        var voucher = new Voucher { ChannelId = Id, CumulativeMicro = (ulong)_random.Next(0, 3_000) };
        Assert.Null(Payee.Decide(new PayeeChannelCommands.Accept(ChannelPair.ChannelId, _payerId, $"f{_requests++}", voucher, Amount.MicroUsdc(1))).Event);
        Assert.Null(Payee.Decide(new PayeeChannelCommands.Take(ChannelPair.ChannelId, "someone else", Signed(1))).Event);
        Assert.Null(Payee.Decide(new PayeeChannelCommands.Close(ChannelPair.ChannelId, _payerId, voucher), "payee").Event);
    }

    private static Voucher Signed(ulong cumulativeMicro) => new() { ChannelId = Id, CumulativeMicro = cumulativeMicro, Signature = Good };

    private static ChannelStanding Standing(PayeeChannelView view) => ChannelRpc.Standing(view);
}
